package strictjson

// Texts returns an object of texts: the fields of a form, read like JSON.
func Texts(fields map[string]string) Object {
	o := make(Object, len(fields))
	for name, text := range fields {
		o[name] = Value{kind: isString, text: text}
	}
	return o
}

// Number reads an amount as it stands in a call of a shop's, in whatever unit. unread
// is true where something stands there that is no whole number greater than zero.
func (o Object) Number(name string) (n int64, unread bool) {
	if !o.Has(name) || o.Blank(name) {
		return 0, false
	}
	n, ok := o.Int(name)
	if !ok || n <= 0 {
		return 0, true
	}
	return n, false
}
