package peers_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// bare is the name under which a table has what the writes of yroom cost in a program that does
// nothing else.
const bare = "bare writes"

// burst is what yroom writes in a scenario: to each of some connections, with pauses.
type burst struct {
	conns int
	pause time.Duration
	size  int // in bytes
}

// Variables that make the test binary a program that writes.
const writeVariable = "YROOM_PEERS_WRITE" // the burst, and how often it is written

const bursts = 200

// writeCost measures the CPU time of the writes alone.
func writeCost(b *testing.B, w burst) figures {
	b.Helper()
	all := float64((writing(b, w, bursts) - writing(b, w, 0)).Microseconds())
	each := all / float64(bursts*w.conns)
	return figures{"cpu_us_per_write": each, "cpu_us_per_second": each * float64(w.conns) / w.pause.Seconds()}
}

// writing lets a process on the servers' core write bursts to one on the clients' core, and
// returns the CPU time of the first.
func writing(b *testing.B, w burst, times int) time.Duration {
	b.Helper()
	writer := itself(b, serverCore, fmt.Sprintf("%s=%d %s %d %d", writeVariable, w.conns, w.pause, w.size, times))
	out, err := writer.StdoutPipe()
	if err == nil {
		err = writer.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err == nil {
		_, err = itself(b, clientCore, fmt.Sprintf("%s=%s %d", receiveVariable, strings.TrimSpace(address), w.conns)).Output()
	}
	if err = errors.Join(err, writer.Wait()); err != nil {
		b.Fatal(err)
	}
	return writer.ProcessState.UserTime() + writer.ProcessState.SystemTime()
}

// write prints its address, accepts connections, and writes bursts to them.
func write(what string) error {
	var w burst
	var pause string
	var times int
	if _, err := fmt.Sscan(what, &w.conns, &pause, &w.size, &times); err != nil {
		return err
	}
	every, err := time.ParseDuration(pause)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	var conns []net.Conn
	for range w.conns {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		conns = append(conns, conn)
	}
	data := make([]byte, w.size)
	tick := time.NewTicker(every)
	for range times {
		<-tick.C
		for _, conn := range conns {
			if _, err := conn.Write(data); err != nil {
				return err
			}
		}
	}
	for _, conn := range conns {
		err = errors.Join(err, conn.Close())
	}
	return err
}
