package storetest

import "github.com/yroom/yroom/store"

// Basic returns a store on the rooms of s that supports only Load, Append and
// Compact. It is for tests of code that uses stores.
func Basic(s store.Store) store.Store { return basic{hidden: hidden{s}} }

type hidden struct{ store.Store }

// basic has the methods of Unsupported instead of those of the Store, which is
// embedded one level deeper.
type basic struct {
	store.Unsupported
	hidden
}
