package yroom_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/wstest"
	"github.com/yroom/yroom/yjs"
)

// A server in ten lines, and two people who meet in one of its rooms.
func Example() {
	server, err := yroom.New(yroom.Config{})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ws/{room...}", server)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	web := &http.Server{Handler: mux}
	go web.Serve(listener)

	address := "ws://" + listener.Addr().String() + "/ws/hello"
	ctx := context.Background()

	ada, err := wstest.Dial(ctx, address, nil)
	check(err)
	check(ada.Send(update(hello)))
	check(ada.Await(update(hello))) // her own echo: it is stored

	bob, err := wstest.Dial(ctx, address, nil)
	check(err)
	check(bob.Send(syncStep1(emptyStateVector)))
	check(bob.Await(syncStep2(hello)))
	fmt.Println("Bob has what Ada wrote.")

	ended := make(chan error)
	go func() { ended <- server.Shutdown(ctx) }()
	fmt.Println(ada.AwaitClose())
	fmt.Println(bob.AwaitClose())
	check(<-ended)
	check(web.Shutdown(ctx))
	// Output:
	// Bob has what Ada wrote.
	// 1012 <nil>
	// 1012 <nil>
}

// A program adds a line to a document. Whoever has it open sees that at once.
func ExampleDocument_Edit() {
	server, err := yroom.New(yroom.Config{})
	check(err)
	ctx := context.Background()
	minutes := server.Document("minutes")

	err = minutes.Edit(ctx, func(doc *yjs.Doc) error {
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
	check(server.Shutdown(ctx))
	// Output: The meeting is over.
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
