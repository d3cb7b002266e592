package main

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"strings"
)

// eachYSweet calls do with each document in the folder of a y-sweet server, or in a folder
// with a copy of its objects in S3. Each document is in a file of a folder that has its
// name.
func eachYSweet(ctx context.Context, folder string, do func(name string, updates [][]byte, err error)) error {
	return eachFile("/data.ysweet")(ctx, folder, func(name string, file [][]byte, err error) {
		var updates [][]byte
		if err == nil {
			updates, err = sweetUpdates(file[0])
		}
		do(name, updates, err)
	})
}

// The keys in a file of y-sweet.
const (
	sweetName = "\x00\x00doc\x00" // the value is the number of the document, in 4 bytes
	sweetOf   = "\x00\x01"        // the number of the document, the kind of the entry and more follow

	sweetState  = 0
	sweetVector = 1
	sweetUpdate = 2
)

var errSweet = errors.New("the file is not a complete document of y-sweet: it was cut off or damaged, or another program wrote it: end y-sweet and copy the file again")

// sweetUpdates returns the updates in a file of y-sweet: the document as it was when they
// were last joined, and those that have come since then.
func sweetUpdates(file []byte) (updates [][]byte, err error) {
	entries, err := sweetEntries(file)
	switch {
	case err != nil:
		return nil, err
	case len(entries) == 0: // nothing was ever written into the document
		return [][]byte{{0, 0}}, nil
	case len(entries[sweetName]) != 4:
		return nil, errSweet
	}
	var vector []byte
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		kind, ok := strings.CutPrefix(key, sweetOf+string(entries[sweetName]))
		switch {
		case !ok || kind == "":
		case kind[0] == sweetVector:
			vector = entries[key]
		case kind[0] == sweetState, kind[0] == sweetUpdate:
			updates = append(updates, entries[key])
		}
	}
	if vector != nil {
		err = checkVector(vector, updates)
	}
	return updates, err
}

// sweetEntries returns the values in a file of y-sweet by their keys. The file has the
// number of the entries, and of each the key and the value, with their lengths before them.
// These numbers have 8 bytes, the lowest first.
func sweetEntries(file []byte) (map[string][]byte, error) {
	complete := true
	next := func(n uint64) (b []byte) {
		if n > uint64(len(file)) {
			complete, file = false, nil
			return nil
		}
		b, file = file[:n], file[n:]
		return b
	}
	number := func() uint64 {
		b := next(8)
		if !complete {
			return 0
		}
		return binary.LittleEndian.Uint64(b)
	}
	entries := map[string][]byte{}
	for n := number(); n > 0 && complete; n-- {
		key := string(next(number()))
		entries[key] = next(number())
	}
	if !complete || len(file) > 0 {
		return nil, errSweet
	}
	return entries, nil
}
