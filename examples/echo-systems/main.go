// A TCP echo server in Go: one goroutine per connection, on net alone.
//
// Whatever bytes arrive go back, in order, until the client closes. The same
// servers in Python and on Tokio are those of ../tcp-echo. Without -listen a
// demo runs: four clients in this process, which check every byte.
//
//	go run examples/echo-systems/main.go
//	go run examples/echo-systems/main.go -listen 127.0.0.1:7007 -threads 1
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const readSize = 64 * 1024

// ANCHOR: echo
func echo(connection net.Conn) error {
	buffer := make([]byte, readSize)
	for {
		length, err := connection.Read(buffer)
		if length > 0 {
			// Backpressure: a client that does not read is not read from.
			if _, err := connection.Write(buffer[:length]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// ANCHOR_END: echo

// server owns the connections, so that closing it ends them.
type server struct {
	listener    net.Listener
	mutex       sync.Mutex
	connections map[net.Conn]struct{}
	closed      bool
	running     sync.WaitGroup
}

func newServer(listener net.Listener) *server {
	return &server{
		listener:    listener,
		connections: make(map[net.Conn]struct{}),
	}
}

// serve accepts until the listener is closed.
func (s *server) serve() {
	for {
		// TCP_NODELAY is on: package net sets it on every TCP connection.
		connection, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of file descriptors, say: those served go on.
			fmt.Fprintln(os.Stderr, "accept:", err)
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if !s.add(connection) {
			return
		}
		go func() {
			defer s.remove(connection)
			// The client broke off, or this side did: there is nobody left
			// to answer.
			_ = echo(connection)
		}()
	}
}

func (s *server) add(connection net.Conn) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.closed {
		connection.Close()
		return false
	}
	s.connections[connection] = struct{}{}
	s.running.Add(1)
	return true
}

func (s *server) remove(connection net.Conn) {
	connection.Close()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.connections, connection)
	s.running.Done()
}

// close ends the listener and every connection, and waits for them.
func (s *server) close() {
	s.listener.Close()
	s.mutex.Lock()
	s.closed = true
	for connection := range s.connections {
		connection.Close()
	}
	s.mutex.Unlock()
	s.running.Wait()
}

// bind listens with a backlog of somaxconn: package net offers no other.
func bind(address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return listener, nil
}

func serveUntilSignal(address string) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	listener, err := bind(address)
	if err != nil {
		return err
	}
	server := newServer(listener)
	go server.serve()
	line, err := json.Marshal(map[string]string{
		"listening": listener.Addr().String(),
	})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	<-stop
	server.close()
	return nil
}

// The demo: so many clients send so many messages each, one at a time.
const (
	clients     = 4
	messages    = 250
	messageSize = 1024
	timeout     = 10 * time.Second
)

type phase struct {
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"`
	Work       int     `json:"work"`
}

type report struct {
	Result map[string]int   `json:"result"`
	Phases map[string]phase `json:"phases"`
}

func demo() error {
	listener, err := bind("127.0.0.1:0")
	if err != nil {
		return err
	}
	server := newServer(listener)
	go server.serve()
	defer server.close()
	address := listener.Addr().String()

	wall, cpu := time.Now(), cpuTime()
	results := make(chan error, clients)
	for client := 0; client < clients; client++ {
		client := client
		go func() { results <- talk(address, client) }()
	}
	for client := 0; client < clients; client++ {
		if err := <-results; err != nil {
			return err
		}
	}
	count := clients * messages
	line, err := json.Marshal(report{
		Result: map[string]int{
			"messages": count,
			"bytes":    count * messageSize,
		},
		Phases: map[string]phase{"echo": {
			Seconds:    time.Since(wall).Seconds(),
			CPUSeconds: (cpuTime() - cpu).Seconds(),
			Work:       count,
		}},
	})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	return nil
}

// talk sends every message, awaits its echo, and hangs up.
func talk(address string, client int) error {
	connection, err := net.DialTimeout("tcp", address, timeout)
	if err != nil {
		return err
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	answer := make([]byte, messageSize)
	for number := 0; number < messages; number++ {
		// No two messages are alike: an echo that belongs to another
		// message, or to another client, is told apart.
		var serial [8]byte
		binary.BigEndian.PutUint64(serial[:], uint64(client*messages+number))
		message := bytes.Repeat(serial[:], messageSize/len(serial))
		if _, err := connection.Write(message); err != nil {
			return err
		}
		if _, err := io.ReadFull(connection, answer); err != nil {
			return err
		}
		if !bytes.Equal(answer, message) {
			return fmt.Errorf("wrong echo: message %d of %d", number, client)
		}
	}
	// Nothing more will come; then the server has to close.
	if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	rest, err := io.ReadAll(connection)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("wrong echo: %d bytes after the last", len(rest))
	}
	return err
}

// cpuTime is the user and system time of this process so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	listen := flag.String("listen", "",
		"serve at this `IP:PORT` until SIGTERM or SIGINT; port 0 takes a"+
			" free one (default: run the demo)")
	// ANCHOR: threads
	threads := flag.Int("threads", 0,
		"run Go code on so many threads at a time (default: all cores)")
	flag.Parse()
	if *threads < 0 || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "expected -threads of at least 1, and no"+
			" further arguments")
		flag.Usage()
		os.Exit(2)
	}
	if *threads > 0 {
		runtime.GOMAXPROCS(*threads)
	}
	// ANCHOR_END: threads
	run := demo
	if *listen != "" {
		run = func() error { return serveUntilSignal(*listen) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
