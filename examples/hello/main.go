// Command hello is a web server with a Yjs collaboration server in it, and with a page that
// connects to that server. "make hello" bundles the script of the page, and runs the command
// in this folder, because it serves the folder page of the working directory.
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
	http.Handle("/", http.FileServer(http.Dir("page"))) // your page, if this program serves it
	log.Fatal(http.ListenAndServe("127.0.0.1:8000", nil))
}
