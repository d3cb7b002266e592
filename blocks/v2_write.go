package blocks

import "github.com/yroom/yroom/internal/lib0"

// toV2 converts a checked update from V1 to V2, as yjs 13.6 does, with the same blocks
// in the same order. The caller owns the result.
func toV2(update []byte) []byte {
	// Most updates are small: up to 64 bytes of a column need no allocation.
	var scratch [11][64]byte
	w := v2Writer{
		keyClocks:   lib0.NewDiffRunsWriter(scratch[0][:]),
		clients:     lib0.NewUintRunsWriter(scratch[1][:]),
		leftClocks:  lib0.NewDiffRunsWriter(scratch[2][:]),
		rightClocks: lib0.NewDiffRunsWriter(scratch[3][:]),
		infos:       lib0.NewRunsWriter(scratch[4][:]),
		strings:     lib0.NewStringsWriter(scratch[5][:], scratch[6][:]),
		parentInfos: lib0.NewRunsWriter(scratch[7][:]),
		typeRefs:    lib0.NewUintRunsWriter(scratch[8][:]),
		lengths:     lib0.NewUintRunsWriter(scratch[9][:]),
		rest:        scratch[10][:0],
	}
	r := lib0.Reread(update)
	n := r.Uint()
	w.rest = lib0.AppendUint(w.rest, n)
	for ; n > 0; n-- {
		w.section(&r)
	}
	var in parsedUpdate
	if err := in.readDeletions(&r, V1); err == nil { // no error, because the update was checked
		w.deletions(in.deletions)
	}
	return w.finish()
}

// v2Writer holds the columns of an update in V2.
type v2Writer struct {
	keyClocks   lib0.DiffRunsWriter
	keys        uint64
	clients     lib0.UintRunsWriter
	leftClocks  lib0.DiffRunsWriter
	rightClocks lib0.DiffRunsWriter
	infos       lib0.RunsWriter
	strings     lib0.StringsWriter
	parentInfos lib0.RunsWriter
	typeRefs    lib0.UintRunsWriter
	lengths     lib0.UintRunsWriter
	rest        []byte
}

// finish returns the columns after a 0, which yjs reserves for flags.
func (w *v2Writer) finish() []byte {
	text, textLengths := w.strings.Finish()
	columns := [...][]byte{
		w.keyClocks.Finish(), w.clients.Finish(), w.leftClocks.Finish(), w.rightClocks.Finish(), w.infos.Finish(),
		nil, // the strings
		w.parentInfos.Finish(), w.typeRefs.Finish(), w.lengths.Finish(),
	}
	const stringColumn = 5
	size := len(text) + len(textLengths) + len(w.rest) + 16
	for _, column := range columns {
		size += len(column) + 8
	}
	out := append(make([]byte, 0, size), 0)
	for i, column := range columns {
		if i == stringColumn {
			out = lib0.AppendUint(out, uint64(lib0.UintLen(uint64(len(text)))+len(text)+len(textLengths)))
			out = append(lib0.AppendBytes(out, text), textLengths...)
			continue
		}
		out = lib0.AppendBytes(out, column)
	}
	return append(out, w.rest...)
}

func (w *v2Writer) section(r *lib0.Reader) {
	count, client, clock := r.Uint(), r.Uint(), r.Uint()
	w.clients.Uint(client)
	w.rest = lib0.AppendUint(w.rest, count)
	w.rest = lib0.AppendUint(w.rest, clock)
	for b := (block{}); count > 0; count-- {
		b.read(r, client, clock)
		w.block(&b)
		clock = b.end()
	}
}

func (w *v2Writer) block(b *block) {
	w.infos.Byte(byte(b.kind) | b.flags)
	switch b.kind {
	case kindGC:
		w.lengths.Uint(b.len)
		return
	case kindSkip:
		w.rest = lib0.AppendUint(w.rest, b.len)
		return
	}
	if b.flags&hasOrigin != 0 {
		w.clients.Uint(b.origin.client)
		w.leftClocks.Uint(b.origin.clock)
	}
	if b.flags&hasRight != 0 {
		w.clients.Uint(b.right.client)
		w.rightClocks.Uint(b.right.clock)
	}
	if len(b.parent) > 0 {
		w.parent(b)
	}
	w.content(b)
}

func (w *v2Writer) parent(b *block) {
	r := lib0.Reread(b.parent)
	if named := r.Uint() == 1; named {
		w.parentInfos.Byte(1)
		w.string(r.Bytes())
	} else {
		w.parentInfos.Byte(0)
		w.clients.Uint(r.Uint())
		w.leftClocks.Uint(r.Uint())
	}
	if b.flags&hasKey != 0 {
		w.string(r.Bytes())
	}
}

func (w *v2Writer) string(s []byte) { w.strings.String(s, lib0.UTF16Len(s)) }

// key writes a key. yjs 13.6 writes each as a new one, though it can read references.
func (w *v2Writer) key(s []byte) {
	w.keyClocks.Uint(w.keys)
	w.keys++
	w.string(s)
}

func (w *v2Writer) content(b *block) {
	r := lib0.Reread(b.content)
	switch b.kind {
	case kindDeleted:
		w.lengths.Uint(b.len)
	case kindString:
		w.strings.String(b.content, b.len)
	case kindJSON:
		w.lengths.Uint(b.len)
		for range b.len {
			w.string(r.Bytes())
		}
	case kindAny:
		w.lengths.Uint(b.len)
		w.rest = append(w.rest, b.content...)
	case kindBinary:
		w.rest = append(w.rest, b.content...)
	case kindEmbed:
		w.rest = lib0.AppendAnyJSON(w.rest, r.Bytes())
	case kindFormat:
		w.key(r.Bytes())
		w.rest = lib0.AppendAnyJSON(w.rest, r.Bytes())
	case kindType:
		t := r.Uint()
		if w.typeRefs.Uint(t); t == typeXMLElement || t == typeXMLHook {
			w.key(r.Bytes())
		}
	case kindDoc:
		w.string(r.Bytes())
		w.rest = append(w.rest, r.Any()...)
	}
}

// deletions writes a delete set. Clocks are relative to the end of the previous span,
// and lengths are stored less one.
func (w *v2Writer) deletions(deletions []deletion) {
	w.rest = lib0.AppendUint(w.rest, uint64(len(deletions)))
	for _, d := range deletions {
		w.rest = lib0.AppendUint(w.rest, d.client)
		w.rest = lib0.AppendUint(w.rest, uint64(len(d.spans)))
		end := uint64(0)
		for _, x := range d.spans {
			w.rest = lib0.AppendUint(w.rest, x.From-end)
			w.rest = lib0.AppendUint(w.rest, x.To-x.From-1)
			end = x.To
		}
	}
}
