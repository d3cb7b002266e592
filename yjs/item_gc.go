package yjs

import "github.com/yroom/yroom/blocks"

// collect removes the contents of what the transaction deleted. Items in a deleted type
// become GC blocks.
func (tx *transaction) collect() {
	var bare *common
	for _, x := range tx.deleted {
		for clock := x.From; clock < x.To; {
			it := x.client.items.find(clock)
			clock = it.end()
			if it.kind == blocks.KindGC || !it.deleted() {
				continue
			}
			if t := it.typ(); t != nil {
				t.collect()
				it.extra().typ = nil
			}
			bare = it.dropContent(bare)
			it.kind = blocks.KindDeleted
		}
	}
}

// collect turns all items in the type, and in types nested in it, into GC blocks.
func (t *sharedType) collect() {
	todo := []*sharedType{t}
	collectChain := func(it *item) {
		for it != nil {
			next := it.right
			if t := it.typ(); t != nil {
				todo = append(todo, t)
			}
			*it = it.gcBlock()
			it = next
		}
	}
	for len(todo) > 0 {
		t := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		collectChain(t.first)
		for _, e := range t.entryOrder {
			collectChain(e.first)
		}
		t.reset()
	}
}

// gcBlock returns the GC block that replaces the item.
func (it *item) gcBlock() item {
	return item{common: &it.common.client.gcCommon, clock: it.clock, len: it.len, kind: blocks.KindGC, flags: deleted}
}
