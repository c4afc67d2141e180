package handlers

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// reads is whether a body has a value of a name in some reading; err is that it can't be
// read as a shop may.
func reads(body, name, value string, types ...string) (bool, error) {
	r := httptest.NewRequest(http.MethodPost, "/cb", strings.NewReader(body))
	r.Header["Content-Type"] = types
	form, err := asQuery(r)
	return slices.Contains(params.Values("", form, name), value), err
}

// part is a form of one part.
func part(head, value, nl string) string {
	return "--a" + nl + "Content-Disposition: form-data; " + head + nl + nl + value + nl + "--a--" + nl
}

// Bodies that PHP, Node or Python read and the standard's reader doesn't.
func TestBodiesAsShopsReadThem(t *testing.T) {
	const multi = "multipart/form-data; boundary=a"
	plain := part(`name="trackId"`, "4242", "\r\n")
	for name, c := range map[string]struct{ kind, body string }{
		"plain form":               {formType, "trackId=4242"},
		"form, a charset":          {formType + "; charset=UTF-8", "trackId=4242"},
		"form, a second type":      {formType + ", text/plain", "trackId=4242"},
		"form, a comma":            {formType + ",x", "trackId=4242"},
		"form, a space":            {formType + " x", "trackId=4242"},
		"form in capitals":         {strings.ToUpper(formType), "trackId=4242"},
		"form, a broken parameter": {formType + "; charset=\"", "trackId=4242"},
		"parts":                    {multi, plain},
		"parts, single quotes":     {multi, part("name='trackId'", "4242", "\r\n")},
		"parts, no quotes":         {multi, part("name=trackId", "4242", "\r\n")},
		"parts, no closing quote":  {multi, part(`name="trackId`, "4242", "\r\n")},
		"parts, two names":         {multi, part(`name=x; name="trackId"`, "4242", "\r\n")},
		"parts, name in capitals":  {multi, part(`NAME="trackId"`, "4242", "\r\n")},
		"parts, spaces about =":    {multi, part(`name = "trackId"`, "4242", "\r\n")},
		"parts, an escaped letter": {multi, part(`name="track\Id"`, "4242", "\r\n")},
		"parts, bare line ends":    {multi, part(`name="trackId"`, "4242", "\n")},
		"parts, a folded head":     {multi, "--a\r\nContent-Disposition: form-data;\r\n name=\"trackId\"\r\n\r\n4242\r\n--a--\r\n"},
		"parts, no end":            {multi, "--a\r\nContent-Disposition: form-data; name=\"trackId\"\r\n\r\n4242\r\n--a"},
		"parts, junk before":       {multi, "junk--a\r\n\r\n" + plain},
		"parts, an odd file name":  {multi, part(`name="trackId"; filename`, "4242", "\r\n")},
		"two boundaries":           {multi + "; boundary=b", plain},
		"two boundaries, comma":    {multi + ", boundary=b", plain},
		"boundary and a comma":     {multi + ",x", plain},
		"another word's boundary":  {"multipart/form-data; xboundary=a", plain},
		"a broken parameter":       {"multipart/form-data;boundary=a;charset=\"", plain},
		"quoted boundary":          {`multipart/form-data; boundary="a"`, plain},
		"boundary in capitals":     {"Multipart/Form-Data; BOUNDARY=a", plain},
		"parts, base64":            {multi, part("name=\"trackId\"\r\nContent-Transfer-Encoding: base64", "NDI0Mg==", "\r\n")},
		"parts, quoted-printable":  {multi, part("name=\"trackId\"\r\nContent-Transfer-Encoding: quoted-printable", "4=3242", "\r\n")},
		"JSON":                     {"application/json", `{"trackId": 4242}`},
		"JSON, twice":              {"application/json", `{"trackId": 4242, "trackId": 7}`},
		"JSON, a BOM":              {"application/json", "\xef\xbb\xbf{\"trackId\": \"4242\"}"},
		"JSON of some name":        {"x/json", `{"trackId": "4242"}`},
		"JSON that is a form, too": {formType + "; json", "trackId=4242"},
	} {
		if ok, err := reads(c.body, "trackId", "4242", c.kind); !ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
	if ok, err := reads("trackId=4242", "trackId", "4242", "text/plain", formType); !ok || err != nil {
		t.Errorf("a second line of the type: %v", err)
	}
	// A file has no field.
	file := "--a\r\nContent-Disposition: form-data; name=\"trackId\"; filename=\"x.txt\"\r\n\r\n4242\r\n--a--\r\n"
	if ok, err := reads(file, "trackId", "4242", multi); ok || err != nil {
		t.Errorf("a file is read: %v", err)
	}
	// A script that reads php://input doesn't ask for the type.
	for _, kind := range []string{"", "text/plain", "application/octet-stream", "image/png", formType} {
		for _, body := range []string{"trackId=4242", `{"trackId": 4242}`, " \n{\"trackId\": \"4242\"}", `{"data": {"trackId": "4242"}}`, `[{"trackId": 4242}]`} {
			if ok, err := reads(body, "trackId", "4242", kind); !ok || err != nil {
				t.Errorf("%q as %q: %v, %v", body, kind, ok, err)
			}
		}
	}
	for depth, want := range map[int]bool{1: true, mostDepth: true, mostDepth + 1: false, 30_000: false} {
		if ok, err := reads(strings.Repeat("[", depth-1)+`{"trackId": 4242}`, "trackId", "4242", "application/json"); ok != want || err != nil {
			t.Errorf("%d levels: %v, %v", depth, ok, err)
		}
	}
	// A boundary more than may be looked for.
	for n, want := range map[int]error{1: nil, mostBoundaries: nil, mostBoundaries + 1: errParts, 10_000: errParts} {
		kind := "multipart/form-data"
		for i := range n {
			kind += "; boundary=" + strconv.Itoa(i) + ";"
		}
		if _, err := reads(strings.Replace(plain, "--a", "--0", 1), "trackId", "4242", kind); !errors.Is(err, want) {
			t.Errorf("%d boundaries: %v", n, err)
		}
	}
}

// What a shop may unpack or decode and this module doesn't is an error, not a body that
// says nothing.
func TestBodiesThatAreNotRead(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	fmt.Fprint(z, "trackId=4242")
	_ = z.Close()
	r := httptest.NewRequest(http.MethodPost, "/cb", &packed)
	r.Header.Set("Content-Type", formType)
	r.Header.Set("Content-Encoding", "gzip")
	if _, err := asQuery(r); !errors.Is(err, payment.ErrMalformed) {
		t.Errorf("packed: %v", err)
	}
	for c, want := range map[string]error{"utf-8": nil, "\"UTF-8\"": nil, "windows-1256": nil, "utf-16": errCharset, "UTF-7": errCharset, "ibm037": errCharset} {
		if _, err := reads("trackId=4242", "trackId", "4242", formType+"; charset="+c); !errors.Is(err, want) {
			t.Errorf("%s: %v", c, err)
		}
	}
}

// Whatever PHP finds in a form, this module has found, too.
func TestBodiesAsPHPReadsThem(t *testing.T) {
	php, err := exec.LookPath("php-cgi")
	if err != nil {
		t.Skip("php-cgi is not installed")
	}
	script := t.TempDir() + "/p.php"
	if err := os.WriteFile(script, []byte(`<?php echo "[", isset($_REQUEST['trackId']) && is_string($_REQUEST['trackId']) ? urlencode($_REQUEST['trackId']) : "", "]";`), 0o600); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		nl := pick("nl", "\r\n", "\r\n", "\n")
		kind := pick("kind", "multipart/form-data", "multipart/form-data", "Multipart/form-data", formType, "multipart/mixed") +
			pick("sep", ";", "; ", ",", " ;") + pick("word", "boundary", "boundary", "Boundary", "xboundary", "charset=x; boundary") + pick("eq", "=", "=", " = ", "=x;boundary=") +
			pick("q", "", "", `"`, "'") + "a" + pick("q2", "", "", `"`, "'") + pick("tail", "", "", ",x", "; boundary=b", ";charset=\"", " ", ";q=1")
		head := pick("cd", "Content-Disposition", "content-disposition", "Content-disposition ") + ":" + pick("fd", " form-data", "form-data", " x", "") + pick("semi", "; ", ";", ";"+nl+" ", "; name=x; ", "; filename=\"\"; ") +
			pick("name", "name", "name", "NAME", "name ", "xname", "name*") + pick("eq2", "=", "=", " = ") + pick("q3", `"`, `"`, "'", "") + pick("n", "trackId", "trackId", `track\Id`, "trackid", " trackId", "trackId[", "trackId\x00x") +
			pick("q4", `"`, `"`, "'", "") + pick("rest", "", "", "; x=y", `; filename="f"`, ";")
		body := pick("pre", "", "", "junk", nl) + "--a" + pick("after", "", "", " ", "-") + nl + head + nl + pick("more", "", "", "X: y"+nl) + nl + "4242" + pick("end", nl+"--a--"+nl, nl+"--a", nl+"--a--", "")
		if strings.HasPrefix(kind, formType) {
			body = "x=1&trackId=4242"
		}
		cmd := exec.Command(php, "-n", "-d", "display_errors=0", "-d", "cgi.force_redirect=0")
		cmd.Env = []string{"SCRIPT_FILENAME=" + script, "REQUEST_METHOD=POST", "GATEWAY_INTERFACE=CGI/1.1", "CONTENT_TYPE=" + kind, "CONTENT_LENGTH=" + strconv.Itoa(len(body)), "REDIRECT_STATUS=1"}
		cmd.Stdin = strings.NewReader(body)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(string(out), "[")
		got, _, _ = strings.Cut(got, "]")
		value, _ := url.QueryUnescape(got)
		if value == "" {
			return
		}
		if ok, err := reads(body, "trackId", value, strings.TrimSpace(kind)); !ok && err == nil {
			t.Fatalf("PHP reads %q, and we don't, in %q:\n%q", value, kind, body)
		}
	})
}
