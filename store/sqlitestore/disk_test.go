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

// A disk is a directory as a power loss leaves it: it has everything that was
// synced, and of what came later whatever it has got round to, in any order.
// The -shm file isn't there, because SQLite makes it anew.
type disk struct {
	dir    string
	synced map[string]*file // names that will be there
	named  []naming         // names that came and went since
	files  map[string]*file // names as the process sees them

	syncing map[*syscall]int // how many changes a sync that has begun is about
}

type file struct {
	synced  []byte
	changes []change // since, in order
}

// A change writes data, or cuts the file where there is none.
type change struct {
	data []byte
	at   int64
}

// A naming gives a name to a file, or takes it away where that is nil.
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

// pass takes in what a syscall does. What is written counts from its beginning,
// and a sync from its end, for all that was written before it began.
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
		return fmt.Errorf("%s of %s, which nobody has made", m.name, m.path)
	case m.name == "pwrite64":
		if !m.ended {
			f.changes = append(f.changes, change{m.data, m.number})
		} else if int(m.result) != len(m.data) {
			return fmt.Errorf("%s has taken %d of %d bytes", m.path, m.result, len(m.data))
		}
	case m.name == "ftruncate":
		if !m.ended {
			f.changes = append(f.changes, change{nil, m.number})
		}
	default:
		return fmt.Errorf("%s of %s is new here", m.name, m.path)
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

// all is what the process sees.
func (d *disk) all() map[string][]byte { return d.after(always, always) }

// cut is what is there after a power loss.
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
	for _, name := range slices.Sorted(maps.Keys(names)) { // as the seed has it
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
