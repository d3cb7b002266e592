package main

// The kinds of findings. They are part of the output of yroom doctor --json.
const (
	kindOlder     = "older-schema"
	kindNewer     = "newer-schema"
	kindFile      = "file"
	kindStray     = "stray"
	kindName      = "name"
	kindLeft      = "left-over"
	kindEmpty     = "no-entries"
	kindDamaged   = "damaged"
	kindForeign   = "foreign"
	kindUnknown   = "unknown-content"
	kindGap       = "gap"
	kindPending   = "pending"
	kindHole      = "hole"
	kindAhead     = "ahead"
	kindDuplicate = "duplicate"
	kindClash     = "clash"
	kindDiffers   = "differs"
	kindFreeze    = "freeze"
	kindLarge     = "large"
	kindClients   = "clients"
	kindLog       = "long-log"
	kindDeleted   = "deleted-content"
	kindRemains   = "tombstones"
)

// kind is what all findings of a kind have in common.
type kind struct {
	means, advice string
	commands      []string // in which STORE, ROOM and FILE are replaced; BACKUP and NAME are for the operator to replace
}

const (
	exportBackup = "yroom room export --store BACKUP -o FILE ROOM"
	mergeFile    = "yroom room import --store STORE ROOM FILE"
)

// restore gets a room from a backup. It deletes nothing before it has the copy.
var restore = []string{
	exportBackup + " && yroom room delete --store STORE ROOM && yroom room import --new --store STORE ROOM FILE",
}

// fromBackup is the advice for a room that no client can open.
const fromBackup = "If a server still has the room in memory, yroom room export --server copies it as it is there: do that first. " +
	"Then stop the servers, and get the room from a backup, whose address takes the place of BACKUP."

var kinds = map[string]kind{
	kindOlder: {
		means:    "An older version of yroom has written the store. The rooms were not examined.",
		advice:   "Make a backup, and start the server: it migrates the store. Or examine it with the yroom of its server's version.",
		commands: []string{"yroom backup --store STORE FILE"},
	},
	kindNewer: {
		means:  "A newer version of yroom has written the store, and this one can't read it. The rooms were not examined.",
		advice: "Use a yroom of the version of its server, or a newer one.",
	},
	kindFile: {
		means:  "Parts of the store can't be read, or can't be found although they are there. Rooms may be damaged that are not named here.",
		advice: "Stop the server, keep a copy of the file with its -wal and -shm, and restore a backup, or try .recover of the sqlite3 shell.",
	},
	kindStray: {
		means:  "They take space. If the row of a room was lost, they are what is left of it.",
		advice: "If a room is missing, restore a backup. Otherwise they do no harm.",
	},
	kindName: {
		means:    "No client can open the room.",
		advice:   "Stop the servers, copy it under another name, which takes the place of NAME, and delete it.",
		commands: []string{"yroom room export --store STORE -o FILE ROOM && yroom room import --new --store STORE NAME FILE && yroom room delete --store STORE ROOM"},
	},
	kindLeft: {
		means:  "They are from before the room was deleted, and take space. No one can read them through a server.",
		advice: "They do no harm. If the content must be gone, delete the entries in the database.",
	},
	kindEmpty: {
		means:    "The log of the room is lost. No client can open the room.",
		advice:   fromBackup,
		commands: restore,
	},
	kindDamaged: {
		means:    "No client can open the room: it is closed with 1013 rather than shown incomplete.",
		advice:   "Keep a copy of the store. " + fromBackup,
		commands: restore,
	},
	kindForeign: {
		means:    "No client can open the room. Another program than yroom has written the entry.",
		advice:   "Find that program. " + fromBackup,
		commands: restore,
	},
	kindUnknown: {
		means:  "No client can open the room. A client with a newer Yjs may have written the entry, or a faulty one.",
		advice: "Try a newer yroom. If that can't read it either, set the room back to before the entry, or get it from a backup.",
	},
	kindGap: {
		means:    "Entries that were stored are gone. What they held is missing, unless the same is in other entries.",
		advice:   "Clients that have the document send what they have when they connect. Merge the room of a backup, whose address takes the place of BACKUP, into it.",
		commands: []string{exportBackup, mergeFile},
	},
	kindPending: {
		means:    "Clients don't see these elements, because what they wait for never arrived or was lost.",
		advice:   "They appear once a client that has the missing part connects. Or merge the document of the program that it came from, or of a backup.",
		commands: []string{mergeFile},
	},
	kindHole: {
		means:    "These elements were lost. Clients of yjs 13 don't show what the same client has written after them.",
		advice:   "They return once a client that has them connects. Or merge the document of the program that it came from, or of a backup.",
		commands: []string{mergeFile},
	},
	kindAhead: {
		means:    "The document knows that these elements were deleted, but never received them: a part of its updates is missing.",
		advice:   "Merge the document of the program that it came from, or of a backup.",
		commands: []string{mergeFile},
	},
	kindDuplicate: {
		means:    "They take space, and do no harm: an update that is applied twice changes nothing.",
		advice:   "The next compaction removes them.",
		commands: []string{"yroom doctor --compact --store STORE ROOM"},
	},
	kindClash: {
		means:  "Two programs have used the same client id, or one has lost what it had written. Clients that received the updates in another order show another document.",
		advice: "Find the program that keeps a Yjs client id across sessions, or copies one. Reload the pages that show the document.",
	},
	kindDiffers: {
		means:  "This is a fault of yroom: its copy of the document would not be the same.",
		advice: "Keep the store, and report it.",
	},
	kindFreeze: {
		means:  "Pages that open the room hang for seconds or longer.",
		advice: "Create a new room from what the document shows, without its history.",
		commands: []string{
			"yroom room export --format json --store STORE -o FILE ROOM",
		},
	},
	kindLarge: {
		means:  "It takes memory and time to load, in the server and in each client, and may soon accept no more edits.",
		advice: "Divide the document, or raise limits.document.",
	},
	kindClients: {
		means:  "Each visit that edits takes a new client id. At the limit, no one can edit.",
		advice: "Raise limits.clients, or create a new room from what the document shows.",
	},
	kindLog: {
		means:    "The room takes long to load. Its server compacts such a log by itself: if it didn't, its log says why.",
		advice:   "Compact it.",
		commands: []string{"yroom doctor --compact --store STORE ROOM"},
	},
	kindDeleted: {
		means:    "It takes space and can be read in the store. It is kept if the room's setting gc is false; otherwise the next compaction drops it.",
		advice:   "If no client shows earlier versions of the document, drop it.",
		commands: []string{"yroom doctor --purge-tombstones --store STORE ROOM"},
	},
	kindRemains: {
		means:  "Their content is gone, but each client loads where they were. Yjs needs that to place what was written beside them, so they can't be removed from the document.",
		advice: "If loading takes too long, create a new room from what the document shows.",
	},
}
