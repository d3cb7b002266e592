package yroom_test

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
	"github.com/yroom/yroom/yjs"
)

// A server in ten lines, and two clients in one of its rooms.
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

	ada, err := wsclient.Dial(ctx, address, nil)
	check(err)
	check(ada.Send(testkit.Update(hello)))
	check(ada.Await(testkit.Update(hello))) // the echo of Ada's edit, which is stored now

	bob, err := wsclient.Dial(ctx, address, nil)
	check(err)
	check(bob.Send(testkit.SyncStep1(emptyStateVector)))
	check(bob.Await(testkit.SyncStep2(hello)))
	fmt.Println("Bob has what Ada wrote.")

	ended := make(chan error)
	go func() { ended <- server.Shutdown(ctx) }()
	for _, c := range []*wsclient.Client{ada, bob} {
		code, _, err := c.AwaitClose()
		check(err)
		fmt.Println("closed with", code)
	}
	check(<-ended)
	check(web.Shutdown(ctx))
	// Output:
	// Bob has what Ada wrote.
	// closed with 1012
	// closed with 1012
}

// Admit authenticates a request, and decides which room the connection joins and what
// it may do there.
func ExampleConfig_admit() {
	users := map[string]string{"s3cret": "ada", "gu3st": "bob"} // by token

	admitted := make(chan *consumer.Conn, 1)
	server, err := yroom.New(yroom.Config{Hooks: consumer.Hooks{
		Admit: func(_ context.Context, r consumer.Request) (consumer.Admission, error) {
			user, ok := users[r.Token]
			if !ok {
				return consumer.Admission{}, &consumer.StatusError{Status: http.StatusUnauthorized, Reason: "Please log in."}
			}
			a := consumer.Admission{Room: r.Room, User: user, Access: event.AccessPresent}
			if user == "ada" {
				a.Access |= event.AccessWrite
			}
			return a, nil
		},
		PostConnect: func(c *consumer.Conn) { admitted <- c },
	}})
	check(err)
	web := httptest.NewServer(server)
	for _, token := range []string{"s3cret", "gu3st", "wrong"} {
		c, err := wsclient.Dial(context.Background(), web.URL+"/minutes?token="+token, nil)
		if err != nil {
			fmt.Println("refused")
			continue
		}
		conn := <-admitted
		fmt.Println(conn.User(), "may write:", conn.Access().May(event.AccessWrite))
		check(c.Close())
	}
	check(server.Shutdown(context.Background()))
	web.Close()
	// Output:
	// ada may write: true
	// bob may write: false
	// refused
}

// PreReceive is called with each message before it is sent to the room. This one closes
// a connection that sends more at once than the application permits.
func ExampleConfig_hooks() {
	server, err := yroom.New(yroom.Config{Hooks: consumer.Hooks{
		PreReceive: func(_ *consumer.Conn, m protocol.Message) error {
			if m.Type == protocol.Update && len(m.Data) > 1000 {
				return &protocol.CloseError{Code: protocol.ClosePolicy, Reason: "This is too much at once."}
			}
			return nil
		},
		PostDisconnect: func(c *consumer.Conn, why protocol.CloseError) {
			fmt.Println(c.Room(), "closed with", why.Code)
		},
	}})
	check(err)
	web := httptest.NewServer(server)
	c, err := wsclient.Dial(context.Background(), web.URL+"/minutes", nil)
	check(err)
	check(c.Send(testkit.Update(testkit.Typed(1, 0, string(make([]byte, 2000))))))
	_, reason, err := c.AwaitClose()
	check(err)
	fmt.Println(reason)
	check(server.Shutdown(context.Background()))
	web.Close()
	// Unordered output:
	// This is too much at once.
	// minutes closed with 1008
}

// Events report what happens to connections and rooms, for metrics: here they are
// counted.
func ExampleConfig_events() {
	var connected, stored, bytes atomic.Int64
	server, err := yroom.New(yroom.Config{
		ConsumerEvents: consumer.Events{
			Connected: func(*consumer.Conn) { connected.Add(1) },
		},
		WorkerEvents: worker.Events{
			Appended: func(i worker.AppendInfo) {
				stored.Add(1)
				bytes.Add(int64(i.Bytes))
			},
		},
	})
	check(err)
	web := httptest.NewServer(server)
	c, err := wsclient.Dial(context.Background(), web.URL+"/minutes", nil)
	check(err)
	check(c.Send(testkit.Update(hello)))
	check(c.Await(testkit.Update(hello)))
	check(c.Close())
	check(server.Shutdown(context.Background()))
	web.Close()
	fmt.Printf("%d connection, %d append of %d bytes\n", connected.Load(), stored.Load(), bytes.Load())
	// Output: 1 connection, 1 append of 18 bytes
}

// auditing wraps a store and reports each append. It embeds the interface, so that it
// has all methods of the wrapped store.
type auditing struct {
	store.Store
}

// Append implements store.Store.
func (s auditing) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	position, err := s.Store.Append(ctx, room, e)
	fmt.Printf("%s: %d bytes at %d, %v\n", room, len(e.Data), position, err)
	return position, err
}

// A store can wrap another one, or be one of the application's own.
func ExampleConfig_store() {
	server, err := yroom.New(yroom.Config{Store: auditing{memstore.New()}})
	check(err)
	ctx := context.Background()
	check(server.Document("minutes").Apply(ctx, hello, yjs.V1))
	check(server.Shutdown(ctx))
	// Output: minutes: 18 bytes at 1, <nil>
}

// The rooms of a Server can be run by workers in other processes, connected by a layer.
// In this example, the layer is in memory and the worker is in the same process.
func ExampleConfig_noWorker() {
	joined := memlayer.New()
	stop := startWorker(joined)

	server, err := yroom.New(yroom.Config{Layer: joined, NoWorker: true})
	check(err)
	minutes, ctx := server.Document("minutes"), context.Background()
	check(minutes.Apply(ctx, hello, yjs.V1))
	text, err := minutes.Text(ctx, "text")
	check(err)
	fmt.Println(text)

	check(server.Shutdown(ctx))
	stop()
	// Output: hello
}

// startWorker starts a worker, as another process would. stop ends it.
func startWorker(joined layer.Layer) (stop func()) {
	rooms, err := yroom.NewWorker(yroom.Config{Layer: joined})
	check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- rooms.Run(ctx) }()
	return func() {
		cancel()
		check(<-ended)
	}
}

// A process can run rooms for consumers and programs in other processes. In this example
// the layer is in memory, so they are in the same process.
func ExampleNewWorker() {
	joined := memlayer.New()
	rooms, err := yroom.NewWorker(yroom.Config{Name: "worker-1", Layer: joined, Store: memstore.New()})
	check(err)
	ctx, stop := context.WithCancel(context.Background()) // in a command: signal.NotifyContext(…, syscall.SIGTERM)
	ended := make(chan error)
	go func() { ended <- rooms.Run(ctx) }()

	server, err := yroom.New(yroom.Config{Layer: joined, NoWorker: true})
	check(err)
	minutes := server.Document("minutes")
	check(minutes.Apply(ctx, hello, yjs.V1))
	info, err := minutes.Info(ctx)
	check(err)
	fmt.Println("run by", info.Summary.Worker)
	check(server.Shutdown(ctx))

	stop()
	check(<-ended) // its rooms have been stored and handed over
	// Output: run by worker-1
}

// A process can be a consumer and a worker of a cluster at once. Here the second
// process, in the same program, is only a consumer.
func ExampleConfig_layer() {
	joined := memlayer.New()
	both, err := yroom.New(yroom.Config{Name: "both-1", Layer: joined, Store: memstore.New()})
	check(err)
	server, err := yroom.New(yroom.Config{Layer: joined, NoWorker: true})
	check(err)

	ctx := context.Background()
	check(server.Document("minutes").Apply(ctx, hello, yjs.V1))
	text, err := both.Document("minutes").Text(ctx, "text")
	check(err)
	fmt.Println(text)

	check(server.Shutdown(ctx))
	check(both.Shutdown(ctx))
	// Output: hello
}

// The rooms of some prefixes can have workers of their own, which serve another channel.
func ExampleChannels() {
	channel := yroom.Channels(map[string]yroom.Settings{"report": {Channel: "slow"}})
	fmt.Println(channel("notes.1"), channel("report.2026"))
	// Output: yroom slow
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
