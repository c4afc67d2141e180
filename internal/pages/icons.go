package pages

import "html/template"

const (
	svg    = `<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">`
	svgEnd = `</svg>`
)

// icons are drawn in the colour of the page's tone.
var icons = map[string]template.HTML{
	"check": svg + `<path d="M5 12.8l4.6 4.6L19 7.6"/>` + svgEnd,
	"cross": svg + `<path d="M6.5 6.5l11 11M17.5 6.5l-11 11"/>` + svgEnd,
	"glass": svg + `<g class="turn"><path d="M7 3.5h10M7 20.5h10M8 3.5v3.2c0 2.6 4 3.4 4 5.3s-4 2.7-4 5.3v3.2M16 3.5v3.2c0 2.6-4 3.4-4 5.3s4 2.7 4 5.3v3.2"/></g>` + svgEnd,
	"arrow": svg + `<path d="M4 11l1.2-5h13.6L20 11M5 11v8.5h14V11M4 11a2.7 2.7 0 0 0 5.3 0 2.7 2.7 0 0 0 5.4 0 2.7 2.7 0 0 0 5.3 0M10 19.500v-4.500h4v4.5"/>` + svgEnd,
	"eye":   svg + `<circle cx="10.5" cy="10.5" r="6"/><path d="M15 15l5 5M10.5 7.800v3M10.5 13.200v.01"/>` + svgEnd,
	"back":  svg + `<path d="M9 6L4.5 10.5 9 15M5 10.500h9a5 5 0 0 1 0 10h-3"/>` + svgEnd,
	"mark":  svg + `<path d="M12 5v8.500M12 18v.01"/>` + svgEnd,
	"card":  svg + `<rect x="3" y="5.5" width="18" height="13" rx="2.5"/><path d="M3 10h18M7 14.800h3.5"/>` + svgEnd,
	"lock":  svg + `<rect x="5" y="10.5" width="14" height="10" rx="2.5"/><path d="M8 10.500V7.500a4 4 0 0 1 8 0v3M12 14.500v2"/>` + svgEnd,
}
