package handlers

// Reporting are the sites that note affiliates' visits, and those that verify
// payments and so report sales.
func (s *Sites) Reporting() (tracks, reports []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.handlers {
		if len(h.Track) > 0 {
			tracks = adding(tracks, h.place().shopName())
		}
		if len(h.Verify) > 0 {
			reports = adding(reports, h.place().shopName())
		}
	}
	return tracks, reports
}
