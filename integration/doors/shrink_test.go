package doors

func shrink(w *world) *world { return w }
