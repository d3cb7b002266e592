package peers_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// copying is the name under which a table has the time that it takes to copy the large
// document over loopback as often as people join at once.
const copying = "copying"

// crowd is how many people join at once.
const crowd = 150

// Variables that make the test binary one end of the copying.
const (
	sendVariable    = "YROOM_PEERS_SEND"    // the file to send
	receiveVariable = "YROOM_PEERS_RECEIVE" // the address to receive from, and by how many connections
)

func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(sendVariable) != "":
		err = sendFile(os.Getenv(sendVariable))
	case os.Getenv(receiveVariable) != "":
		err = receive(os.Getenv(receiveVariable))
	case os.Getenv(writeVariable) != "":
		err = write(os.Getenv(writeVariable))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// itself returns a command that runs the test binary on a core, as the program that a variable of
// the environment makes it.
func itself(b *testing.B, core, variable string) *exec.Cmd {
	b.Helper()
	binary, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), "taskset", "--cpu-list", core, binary)
	cmd.Env = append(os.Environ(), variable)
	cmd.Stderr = os.Stderr
	return cmd
}

// copyFile lets a process on the servers' core send a file to as many connections of one on
// the clients' core, and returns the milliseconds until all is there.
func copyFile(b *testing.B, path string) float64 {
	b.Helper()
	sender := testkit.Launch(b, itself(b, serverCore, sendVariable+"="+path))
	defer sender.Kill()
	out, err := itself(b, clientCore, fmt.Sprintf("%s=%s %d", receiveVariable, sender.Host, crowd)).Output()
	if err != nil {
		b.Fatal(err)
	}
	taken, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	if err != nil {
		b.Fatal(err)
	}
	return taken
}

// sendFile sends a file to each connection. It prints its address.
func sendFile(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/\n", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() {
			_, _ = conn.Write(content) // the receiver reports what is missing
			_ = conn.Close()
		}()
	}
}

// receive reads what connections to an address are sent, and prints how many milliseconds it
// took.
func receive(from string) error {
	var address string
	var conns int
	if _, err := fmt.Sscan(from, &address, &conns); err != nil {
		return err
	}
	began := time.Now()
	failed := make([]error, conns)
	var receiving sync.WaitGroup
	for i := range conns {
		receiving.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				failed[i] = err
				return
			}
			_, failed[i] = io.Copy(io.Discard, conn)
			_ = conn.Close()
		})
	}
	receiving.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	fmt.Println(float64(time.Since(began)) / float64(time.Millisecond))
	return nil
}
