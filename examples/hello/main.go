// Command hello is a web server with a Yjs collaboration server in it.
package main

import (
	"log"
	"net/http"

	"github.com/yroom/yroom"
)

func main() {
	server, err := yroom.New(yroom.Config{})
	if err != nil {
		log.Fatal(err)
	}
	http.Handle("/ws/{room...}", server)
	log.Fatal(http.ListenAndServe("127.0.0.1:8000", nil))
}
