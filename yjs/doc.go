// Package yjs is a Yjs document for programs: a Doc with shared types, as in yjs 13.6. It
// reads and edits the documents of yjs 14, too.
//
// # Use
//
// A Doc is created empty and filled by Apply with the updates of a document. Its methods
// Text, Array, Map, XMLFragment, XMLElement and XMLText return the shared types at its top
// level, which are called roots. Shared types contain Values: plain ones, or other shared
// types. Changes made in Transact are returned as an update, which other replicas of the
// document apply. Encode, Diff and StateVector serve to synchronize replicas.
//
// A Doc does no I/O, starts no goroutine and has no observers. It must not be used by
// several goroutines at the same time.
//
// Positions and lengths in texts are in UTF-16 units, as everywhere in Yjs: an emoji counts
// as two. An edit that splits the surrogate pair of a code point replaces both halves by
// U+FFFD, as in yjs.
//
// In yjs 14 all shared types are of one kind, and nested ones are XML fragments or XML
// elements in updates. Their methods AsText, AsArray and AsMap return them as types of other
// kinds.
//
// What a doc comment calls borrowed is neither modified nor kept by the function. The
// errors of this package can be distinguished with errors.Is and the variables ErrRange
// to ErrSize.
//
// # Terms
//
//   - A client is a source of edits. It has an id, and numbers what it inserts with clocks,
//     from 0 on without gaps.
//   - An element is what one clock stands for: a UTF-16 unit of a text, a value of an array,
//     a format. The client and the clock are its id.
//   - An item is a run of elements that were inserted one after another: a block of package
//     blocks that has a place in the document.
//   - The origin and the right origin of an item are the ids of the elements between which
//     it was inserted. They never change.
//   - A pending item or deletion can't be integrated yet, because something it depends on is
//     missing.
//
// # Map of the code
//
// Files are grouped by prefix. In reading order:
//
//   - document.go: Doc, and its clients. type.go: what all shared types have in common.
//     item.go: items, with their contents in item_content.go and their origins in
//     item_refs.go. item_list.go: all items of a client by clock.
//   - update_*.go: Apply decodes an update into items (update_decode.go), which wait in queues
//     (update_queue.go), integrates them in the order of their dependencies (update_apply.go),
//     and keeps the others as pending (update_pending.go). update_encode.go writes updates.
//   - item_*.go: item_integrate.go inserts an item into its list by the algorithm YATA,
//     item_delete.go deletes items, item_split.go and item_merge.go split and join them.
//     item_gc.go drops the contents of deleted items.
//   - transaction.go: Transact, and the steps at the end of each transaction.
//   - try.go: Try, which finds documents that would freeze clients.
//   - type_*.go: the shared types by kind, and type_root.go for roots. type_views.go returns
//     a type as one of another kind. type_edit.go edits lists. type_map_entry.go holds the
//     values of keys, and decides which of several values of a key is kept.
//   - text_*.go: formatted text. text_format.go inserts, formats and deletes,
//     text_attrs.go holds formats, text_cleanup.go deletes redundant formats, text_delta.go
//     converts a text to a Delta.
//   - position_*.go: position_index.go finds positions in long lists. position_relative.go
//     has relative positions.
//   - value*.go: Values. value_of.go converts Go values, value_any.go is the binary encoding,
//     value_object.go the order of the members of an object.
//   - json_*.go: JSON of values and types (json_print.go), of types of yjs 14
//     (json_shape.go), of ProseMirror documents (json_prosemirror.go), and the parser
//     (json_parse.go). json_limit.go bounds the size of what is printed. type_xml_print.go
//     prints XML, with names in lower case by type_xml_lower.go.
//   - errors.go: the errors.
//
// # Invariants
//
// These hold between transactions. inspect, in invariants_test.go, checks most of them.
//
//   - The items of a client are at clocks before client.end, without overlaps. Between them
//     may be holes (item_holes.go). Pending deletions are of elements that are not integrated.
//   - An item that is not a GC block is in exactly one list: the list of its parent, or the
//     list of a key of its parent.
//   - The value of a key is the last item of its list, unless that is deleted. All items
//     before it are deleted. (The exception is a key whose value is a run of several values,
//     which no Yjs client writes: splitting the run leaves parts that are not deleted.)
//   - sharedType.len is the sum of the widths of the items in the list. If the list is
//     indexed, each of its items has a node, and the sums of the nodes are up to date.
//   - Unless Options.History is set, deleted items have no content, and the items in deleted
//     types are GC blocks.
//   - Replicas that integrated the same updates have the same elements in the same order, in
//     whatever order the updates arrived.
package yjs
