package document_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
	"github.com/yroom/yroom/yjs"
)

// exampleDocuments returns Documents and a function that ends it. A program in which
// a yroom.Server runs has one from Server.Documents, or uses Server.Document.
func exampleDocuments() (documents *document.Documents, end func()) {
	joined := memlayer.New()
	ctx, cancel := context.WithCancel(context.Background())
	rooms := worker.New(worker.Config{Layer: joined, Store: memstore.New(), Logger: slog.New(slog.DiscardHandler)})
	ended := make(chan error)
	go func() { ended <- rooms.Run(ctx) }()
	documents, err := document.New(document.Config{Layer: joined})
	check(err)
	return documents, func() {
		check(documents.Close())
		cancel()
		check(<-ended)
	}
}

// addLine adds a line to the root text "notes".
func addLine(line string) func(*yjs.Doc) error {
	return func(doc *yjs.Doc) error {
		notes, err := doc.Text("notes")
		if err != nil {
			return err
		}
		return notes.Insert(notes.Len(), line+"\n", nil)
	}
}

// A program adds a line to a document. All clients that have it open see that at once.
func ExampleDocument_Edit() {
	documents, end := exampleDocuments()
	defer end()
	ctx := context.Background()
	minutes := documents.Document("minutes")

	err := minutes.Edit(ctx, func(doc *yjs.Doc) error {
		notes, err := doc.Text("notes")
		if err != nil {
			return err
		}
		return notes.Insert(notes.Len(), "The meeting is over.", nil)
	})
	check(err)

	text, err := minutes.Text(ctx, "notes")
	check(err)
	fmt.Println(text)
	// Output: The meeting is over.
}

// A program is shown among the users of a document while it edits.
func ExampleDocument_EditAs() {
	documents, end := exampleDocuments()
	defer end()
	ctx := context.Background()
	minutes := documents.Document("minutes")

	clerk := document.Presence{Name: "Clerk", Color: "#ffa500"}
	err := minutes.EditAs(ctx, clerk, func(doc *yjs.Doc) error {
		for { // wait until the room has the presence
			info, err := minutes.Query(ctx, event.Mark{})
			if err == nil && len(info.States) > 0 {
				fmt.Printf("%s\n", info.States[0].JSON)
				break
			}
		}
		return addLine("The meeting is over.")(doc)
	})
	check(err)
	// Output: {"user":{"name":"Clerk","color":"#ffa500"}}
}

// If several programs find a room empty, exactly one of them fills it.
func ExampleDocument_Create() {
	documents, end := exampleDocuments()
	defer end()
	ctx := context.Background()

	template := yjs.New()
	check(addLine("Agenda:")(template))
	for range 3 {
		fmt.Println(documents.Document("minutes").Create(ctx, template.Encode(yjs.V1), yjs.V1))
	}
	// Output:
	// <nil>
	// document: the room exists
	// document: the room exists
}

// A program keeps a copy of a document up to date.
func ExampleDocument_Changes() {
	documents, end := exampleDocuments()
	defer end()
	ctx := context.Background()
	minutes := documents.Document("minutes")
	check(minutes.Edit(ctx, addLine("Agenda:")))

	replica := yjs.New()
	for change, err := range minutes.Changes(ctx, event.Mark{}) {
		check(err) // such as ErrNotFound once the room is deleted
		if change.Whole {
			replica = yjs.New()
		}
		if change.Update != nil {
			check(replica.Apply(change.Update, yjs.V1))
		}
		notes, err := replica.Text("notes")
		check(err)
		fmt.Printf("%q\n", notes)
		if notes.Len() > 10 {
			break // another stream can continue from Mark
		}
		check(minutes.Edit(ctx, addLine("Budget")))
	}
	// Output:
	// "Agenda:\n"
	// "Agenda:\nBudget\n"
}

// Rooms lists the rooms of all workers and of the store, in parts.
func ExampleDocuments_Rooms() {
	documents, end := exampleDocuments()
	defer end()
	ctx := context.Background()
	for _, name := range []string{"notes.1", "notes.2", "notes.3", "draft"} {
		check(documents.Document(name).Edit(ctx, addLine("hello")))
	}
	options := document.ListOptions{Prefix: "notes.", Limit: 2}
	for {
		list, err := documents.Rooms(ctx, options)
		check(err)
		for _, room := range list.Rooms {
			fmt.Println(room.Name, room.State)
		}
		if list.Next == "" {
			break
		}
		options.After = list.Next
	}
	// Output:
	// notes.1 open
	// notes.2 open
	// notes.3 open
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
