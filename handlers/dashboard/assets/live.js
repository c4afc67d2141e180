(function () {
	"use strict";
	// Not location.href: an address with a password in it can't be fetched.
	var root = document.documentElement, here = location.origin + location.pathname, waiting = 0;
	if (!window.EventSource || !window.fetch || !window.DOMParser) return;
	// Whoever reads a decision or types is not disturbed.
	function busy() {
		var a = document.activeElement;
		return document.hidden || document.querySelector("main details.keep[open]") || a && /^(INPUT|TEXTAREA|SELECT)$/.test(a.tagName);
	}
	function load() {
		waiting = 0;
		if (busy()) { waiting = setTimeout(load, 3000); return; }
		fetch(here + location.search, {credentials: "same-origin", redirect: "error"}).then(function (r) {
			if (!r.ok) throw new Error(r.status);
			return r.text();
		}).then(function (text) {
			var fresh = new DOMParser().parseFromString(text, "text/html").querySelector("main"), old = document.querySelector("main");
			if (!fresh || !old || busy() || fresh.innerHTML === old.innerHTML) return;
			var a = document.activeElement, link = a && old.contains(a) && a.getAttribute("href");
			document.querySelectorAll("main details[open]").forEach(function (d, i) { if (d.id) { var x = fresh.querySelector("#" + d.id); if (x) x.open = true; } });
			old.replaceWith(document.adoptNode(fresh));
			if (link) document.querySelectorAll("main a").forEach(function (x) { if (x.getAttribute("href") === link) x.focus(); });
		}).catch(function () {});
	}
	var stream = new EventSource(here + root.getAttribute("data-live"));
	stream.addEventListener("changed", function () { if (!waiting) waiting = setTimeout(load, 300); });
	addEventListener("pagehide", function () { stream.close(); });
})();
