package limit

// room holds strangers' returns that wait on record, and whose they are: so many of all,
// and so many of one client.
type room struct {
	of map[string]string
	by map[string]int
}

func newRoom() room { return room{make(map[string]string), make(map[string]int)} }

// free reports whether a client may bring one more.
func (r *room) free(key string) bool { return r.by[key] < min(queueClient, queueAll-len(r.of)) }

func (r *room) enter(ref string, key string) {
	r.of[ref] = key
	r.by[key]++
}

func (r *room) leave(ref string) {
	key, in := r.of[ref]
	if !in {
		return
	}
	delete(r.of, ref)
	if r.by[key]--; r.by[key] <= 0 {
		delete(r.by, key)
	}
}

// Hold keeps a place for a return whose turn has come and whose shop has not answered:
// it holds up nobody in the line. One that waits on record already stays there where all
// such places are taken; false is for one that must come again.
func (l *Strangers) Hold(ref string, client string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, in := l.held.of[ref]; in {
		return true
	}
	key, waits := l.line.of[ref]
	switch {
	case waits:
	case client == "":
		return true // the worker found it on record after a restart
	default:
		key = neighbourhood(client)
	}
	if !l.held.free(key) {
		return waits
	}
	l.line.leave(ref)
	l.held.enter(ref, key)
	return true
}
