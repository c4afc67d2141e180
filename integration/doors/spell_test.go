package doors

import (
	"path"
	"strings"
)

// spell writes a path in another way that some server may take for the same.
func spell(p, how string) string {
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	dir, base := path.Split(p)
	switch how {
	case "slash":
		return p + "/"
	case "info":
		return p + "/x"
	case "info.html":
		return p + "/x.html"
	case "double":
		return "/" + p
	case "dot":
		return dir + "./" + base
	case "up":
		return "/zz/.." + p
	case "percent":
		if base == "" {
			return p
		}
		return dir + "%" + hex2(base[0]) + base[1:]
	case "2f":
		return dir[:len(dir)-1] + "%2f" + base
	case "slash-2f":
		return strings.ReplaceAll(dir, "/", "//") + base
	case "tail-2f":
		return p + "%2f"
	case "upper":
		return strings.ToUpper(p)
	case "no-ext":
		return strings.TrimSuffix(p, path.Ext(p))
	case "gz":
		return p + ".gz"
	case "html":
		return p + ".html"
	case "semi":
		return p + ";x"
	case "dot-end":
		return p + "."
	case "space":
		return p + "%20"
	case "twice":
		if base == "" {
			return p
		}
		return dir + "%25" + hex2(base[0]) + base[1:]
	case "track":
		return p + "/track_id=abcdefgh"
	case "track-slash":
		return p + "/track_id=abcdefgh/"
	case "track-mid":
		return dir + "track_id=abcdefgh/" + base
	case "nul":
		return p + "%00"
	case "back":
		return dir[:len(dir)-1] + "%5c" + base
	case "index.php":
		return "/index.php" + p
	case "x.php":
		return "/callback.php" + p
	case "v2":
		return "/v2" + p
	case "dl":
		return "/dl" + p
	case "dl-end":
		return p + ".dl"
	case "zip":
		return strings.Replace(p, "/course/", "/zip/", 1)
	case "old":
		return dir + "old-" + base
	case "no-index":
		return strings.TrimSuffix(p, "index.html")
	case "bare-index":
		return strings.TrimSuffix(p, "/index.html")
	case "under-shop":
		return "/callback.php/.." + p
	case "host":
		return "//x:80" + p
	case "host-2f":
		return "//x%2f..%2fy" + p
	case "host-many":
		return "//x" + strings.Repeat("%2fx", 20) + p
	case "query":
		return p + "?"
	}
	return p
}

func hex2(b byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[b>>4], digits[b&15]})
}
