package store_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
)

// counting counts the bytes that are appended to another store. It embeds the
// interface, so it has all methods of that store.
type counting struct {
	store.Store

	bytes atomic.Int64
}

func (c *counting) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	p, err := c.Store.Append(ctx, room, e)
	if err == nil {
		c.bytes.Add(int64(len(e.Data)))
	}
	return p, err
}

func Example_wrapper() {
	counted := &counting{Store: memstore.New()}
	var s store.Store = counted // the server uses the wrapper

	ctx := context.Background()
	if _, err := s.Append(ctx, "room", store.Entry{Encoding: store.V1, Data: []byte{0, 0}}); err != nil {
		fmt.Println(err)
	}
	listed, err := s.List(ctx, "", "", 10) // a method of the wrapped store
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(counted.bytes.Load(), "bytes appended,", len(listed), "room")
	// Output: 2 bytes appended, 1 room
}

// A writer finds what others have appended when its append takes a position other than
// the one after its last.
func ExampleStore_loadAfter() {
	ctx, s := context.Background(), store.Store(memstore.New())
	add := func(data string) store.Position {
		p, err := s.Append(ctx, "room", store.Entry{Encoding: store.V1, Data: []byte(data)})
		if err != nil {
			fmt.Println(err)
		}
		return p
	}
	last := add("mine")
	add("theirs") // another process does this

	if p := add("mine again"); p != last+1 {
		log, err := s.LoadAfter(ctx, "room", last)
		if err != nil {
			fmt.Println(err)
		}
		for i, e := range log.Entries {
			fmt.Println(log.Positions[i], string(e.Data))
		}
		last = max(p, log.Last())
	}
	fmt.Println("last:", last)
	// Output:
	// 2 theirs
	// 3 mine again
	// last: 3
}
