package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
)

// multipartFields reads the form that PHP's cURL makes of an array.
func multipartFields(r *http.Request, body []byte) (url.Values, error) {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, fmt.Errorf("reading content type: %w", err)
	}
	form := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return form, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading form: %w", err)
		}
		value, err := io.ReadAll(part) // bounded by the capped body
		if err != nil {
			return nil, fmt.Errorf("reading form: %w", err)
		}
		form.Add(part.FormName(), string(value))
	}
}
