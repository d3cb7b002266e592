package sqlitestore_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
)

// A disk models a directory on a machine that may lose power: afterwards everything
// that was synced is there, and any part of what was written later, in any order. It
// has no -shm file, because SQLite creates that again.
type disk struct {
	dir    string
	synced map[string]*file // by the names that survive a power loss
	named  []naming         // changes of names since then
	files  map[string]*file // by the names that the process sees

	syncing map[*syscall]int // how many changes a sync in progress covers
}

type file struct {
	synced  []byte
	changes []change // since then, in order
}

// A change writes data at an offset, or truncates the file there if data is nil.
type change struct {
	data []byte
	at   int64
}

// A naming gives a file a name, or removes the name if file is nil.
type naming struct {
	name string
	file *file
}

func newDisk(dir string, holds map[string][]byte) *disk {
	d := &disk{dir: dir, synced: map[string]*file{}, files: map[string]*file{}, syncing: map[*syscall]int{}}
	for name, data := range holds {
		f := &file{synced: slices.Clone(data)}
		d.synced[name], d.files[name] = f, f
	}
	return d
}

const sector = 512

func (c change) apply(data []byte, keep func() bool) []byte {
	if c.data == nil {
		if grow := c.at - int64(len(data)); grow > 0 {
			return append(data, make([]byte, grow)...)
		}
		return data[:c.at]
	}
	for at, rest := c.at, c.data; len(rest) > 0; {
		n := min(int64(len(rest)), sector-at%sector)
		if keep() {
			if grow := at + n - int64(len(data)); grow > 0 {
				data = append(data, make([]byte, grow)...)
			}
			copy(data[at:], rest[:n])
		}
		at, rest = at+n, rest[n:]
	}
	return data
}

func always() bool { return true }

// pass applies a system call. A write counts from its beginning; a sync counts from its
// end, for all that was written before it began.
func (d *disk) pass(m moment) error {
	if m.path != d.dir && filepath.Dir(m.path) != d.dir || strings.HasSuffix(m.path, "-shm") {
		return nil
	}
	name := filepath.Base(m.path)
	f := d.files[name]
	failed := m.ended && m.result < 0
	switch {
	case failed && m.name != "open" && m.name != "openat" && m.name != "unlink":
		return fmt.Errorf("%s of %s has failed", m.name, m.path)
	case failed:
	case m.name == "open", m.name == "openat":
		if m.ended && m.create && f == nil {
			f = &file{}
			d.files[name] = f
			d.named = append(d.named, naming{name, f})
		}
	case m.name == "unlink":
		if m.ended {
			delete(d.files, name)
			d.named = append(d.named, naming{name, nil})
		}
	case m.name == "fsync" || m.name == "fdatasync":
		d.sync(m, f)
	case f == nil:
		return fmt.Errorf("%s of %s, which was never created", m.name, m.path)
	case m.name == "pwrite64":
		if !m.ended {
			f.changes = append(f.changes, change{m.data, m.number})
		} else if int(m.result) != len(m.data) {
			return fmt.Errorf("a write to %s took %d of %d bytes", m.path, m.result, len(m.data))
		}
	case m.name == "ftruncate":
		if !m.ended {
			f.changes = append(f.changes, change{nil, m.number})
		}
	default:
		return fmt.Errorf("this test doesn't know %s of %s", m.name, m.path)
	}
	return nil
}

func (d *disk) sync(m moment, f *file) {
	of := len(d.named)
	if m.path != d.dir {
		of = len(f.changes)
	}
	if !m.ended {
		d.syncing[m.syscall] = of
		return
	}
	of = d.syncing[m.syscall]
	delete(d.syncing, m.syscall)
	if m.path == d.dir {
		d.name(d.synced, d.named[:of], always)
		d.named = d.named[of:]
		return
	}
	for _, c := range f.changes[:of] {
		f.synced = c.apply(f.synced, always)
	}
	f.changes = f.changes[of:]
}

func (d *disk) name(names map[string]*file, as []naming, keep func() bool) {
	for _, n := range as {
		switch {
		case !keep():
		case n.file == nil:
			delete(names, n.name)
		default:
			names[n.name] = n.file
		}
	}
}

// all returns the files that the process sees.
func (d *disk) all() map[string][]byte { return d.after(always, always) }

// cut returns the files that a power loss at this moment leaves.
func (d *disk) cut(r *rand.Rand) map[string][]byte {
	kept := []float64{0, 1, r.Float64(), r.Float64()}[r.IntN(4)]
	keep := func() bool { return r.Float64() < kept }
	torn := r.IntN(2) == 0
	return d.after(keep, func() bool { return !torn || r.IntN(8) != 0 })
}

func (d *disk) after(keep, sector func() bool) map[string][]byte {
	names := maps.Clone(d.synced)
	d.name(names, d.named, keep)
	left := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(names)) { // so that a seed always has the same result
		f := names[name]
		data := bytes.Clone(f.synced)
		for _, c := range f.changes {
			if keep() {
				data = c.apply(data, sector)
			}
		}
		left[name] = data
	}
	return left
}
