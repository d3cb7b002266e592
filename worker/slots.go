package worker

import "sync"

// slots bounds how many functions run at once. The others wait.
type slots struct {
	mu      sync.Mutex
	free    int
	waiting []func()
}

// run starts f, now or when a slot is free. f must call done before it returns.
func (s *slots) run(start func(func()), f func()) {
	s.mu.Lock()
	if s.free == 0 {
		s.waiting = append(s.waiting, f)
		s.mu.Unlock()
		return
	}
	s.free--
	s.mu.Unlock()
	start(f)
}

// waits returns how many functions wait.
func (s *slots) waits() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting)
}

// done frees the slot of a function and starts the next one.
func (s *slots) done(start func(func())) {
	s.mu.Lock()
	if len(s.waiting) == 0 {
		s.free++
		s.mu.Unlock()
		return
	}
	next := s.waiting[0]
	s.waiting = s.waiting[1:]
	s.mu.Unlock()
	start(next)
}
