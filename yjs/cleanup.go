package yjs

func (tx *transaction) cleanFormats() {}
