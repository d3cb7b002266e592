package yjs

// queue holds items of one client and of one update, in clock order. Those that follow each
// other in memory are a run, so that no item has to refer to the next one.
type queue struct {
	runs    [][]item // none is empty
	run, at int      // where the first item is
}

// add appends an item: the first one of memory, which is a slice of a slab.
func (q *queue) add(memory []item) {
	if n := len(q.runs); n > 0 && extendTo(&q.runs[n-1], &memory[0]) {
		return
	}
	q.runs = append(q.runs, memory[:1])
}

// extend appends the item that follows the last one in memory.
func (q *queue) extend() {
	last := &q.runs[len(q.runs)-1]
	*last = (*last)[:len(*last)+1]
}

// extendTo adds an item to a run if it is the next one in memory, and reports whether it is.
func extendTo(run *[]item, it *item) bool {
	n := len(*run)
	if n == cap(*run) || &(*run)[:n+1][n] != it {
		return false
	}
	*run = (*run)[:n+1]
	return true
}

// first returns the first item, or nil if there is none.
func (q *queue) first() *item {
	if q.run == len(q.runs) {
		return nil
	}
	return &q.runs[q.run][q.at]
}

// pop removes the first item.
func (q *queue) pop() {
	if q.at++; q.at == len(q.runs[q.run]) {
		q.run, q.at = q.run+1, 0
	}
}

// popped returns the item that was removed last, and the memory behind it, if that is it.
// Otherwise it returns nil.
func (q *queue) popped(it *item) []item {
	run, at := q.run, q.at-1
	if at < 0 {
		if run == 0 {
			return nil
		}
		run--
		at = len(q.runs[run]) - 1
	}
	if memory := q.runs[run][at:]; &memory[0] == it {
		return memory
	}
	return nil
}
