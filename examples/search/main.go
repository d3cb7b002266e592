// Command search is a search index of rooms, which a webhook of yroom keeps up to date. It
// finds the rooms whose texts have all words of a query:
//
//	curl 'http://127.0.0.1:7700/search?q=minutes+may'
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/yroom/yroom/webhook"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:7700", "the address and the port to listen on")
	secretFile := flag.String("secret-file", "search.secret", "the file with the secret of the webhook")
	path := flag.String("index", "search.db", "the file of the index")
	flag.Parse()
	if err := run(*listen, *secretFile, *path); err != nil {
		log.Fatal(err)
	}
}

func run(listen, secretFile, path string) error {
	text, err := os.ReadFile(secretFile)
	if err != nil {
		return err
	}
	secret, err := webhook.ParseSecret(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("%s: %w", secretFile, err)
	}
	rooms, err := openIndex(path)
	if err != nil {
		return err
	}
	fmt.Printf("Searching at http://%s/search?q=WORDS\n", listen)
	server := &http.Server{
		Addr: listen, Handler: handler(rooms, secret),
		ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 32 << 10,
	}
	return errors.Join(server.ListenAndServe(), rooms.db.Close())
}

// largestEvent is the size of the largest request of the webhook.
const largestEvent = 32 << 20

// handler takes the events of the webhook at /rooms, and answers queries at /search.
func handler(rooms *index, secret webhook.Secret) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /rooms", func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, largestEvent)
		event, err := webhook.Receive(r, secret)
		switch {
		case errors.Is(err, webhook.ErrSignature):
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		case err != nil:
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := rooms.take(r.Context(), event); err != nil { // the event is sent again
			log.Print(err)
			http.Error(w, "The index can't be written.", http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET /search", func(w http.ResponseWriter, r *http.Request) {
		found, err := rooms.search(r.Context(), r.URL.Query().Get("q"))
		if err != nil {
			log.Print(err)
			http.Error(w, "The index can't be read.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(found) // the client is gone
	})
	return mux
}
