package memory

// Restart returns what a new process would find: everything committed, and every
// lease dead.
func (s *Store) Restart() *Store {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return &Store{
		Clock: s.Clock, records: s.records, order: s.order, keys: s.keys, money: s.money, tracks: s.tracks, queue: s.queue, secrets: s.secrets,
		gen: s.gen, owner: s.owner + 1, most: s.most,
	}
}

// Lose returns what a new process would find after the data was destroyed.
func (s *Store) Lose() *Store {
	n := New(s.Clock)
	n.owner = s.owner + 1
	n.gen.Seq = s.gen.Seq + 1
	return n
}

// Break makes Ready and every write answer with err; nil mends it. ErrFull
// itself refuses new records only, as a nearly full disk does; wrapped, it
// refuses all.
func (s *Store) Break(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

// Renew begins a new generation while it is open, as a database does that fails
// over to a standby.
func (s *Store) Renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gen.Seq++
	s.gen.Start = s.Now()
}

// Close refuses all further work.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}
