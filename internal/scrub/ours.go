package scrub

// prefix is what our headers' folded names begin with.
const prefix = "x-payment"

// Ours reports whether a header's folded name is x-payment or begins with
// x-payment-. Folded means lower case, with every run of bytes that are no
// ASCII letter or digit as one hyphen: CGI turns hyphens into underscores, and
// other servers and frameworks fold dots, tildes and more, so that any
// separator may become ours on the other side.
func Ours(name string) bool {
	i := 0
	for i < len(name) && !alnum(name[i]) {
		i++
	}
	for j := 0; j < len(prefix); j++ {
		if i == len(name) {
			return false
		}
		if prefix[j] == '-' {
			if alnum(name[i]) {
				return false
			}
			for i < len(name) && !alnum(name[i]) {
				i++
			}
			continue
		}
		if lower(name[i]) != prefix[j] {
			return false
		}
		i++
	}
	return i == len(name) || !alnum(name[i])
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func alnum(c byte) bool {
	c = lower(c)
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
}
