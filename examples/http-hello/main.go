// An HTTP server on Go's net/http: one fixed answer.
//
// GET / is answered by 1 KiB of text, every other path by 404. The twins are
// main.py (httptools on an asyncio Protocol), main.rs (axum on Tokio) and
// node.mjs. Without -listen a demo runs: four clients in this process, which
// check every answer.
//
//	go run examples/http-hello/main.go
//	go run examples/http-hello/main.go -listen 127.0.0.1:7007 -threads 1
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz" +
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_"

var body = strings.Repeat(alphabet, 16)

// ANCHOR: answer
func hello(answer http.ResponseWriter, request *http.Request) {
	if request.URL.Path != "/" {
		http.NotFound(answer, request)
		return
	}
	header := answer.Header()
	header.Set("Content-Type", "text/plain")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	// It fails where the client has gone already.
	_, _ = io.WriteString(answer, body)
}

// ANCHOR_END: answer

// start serves in the background; the function ends that, and lets what is
// under way come to its end.
func start(address string) (net.Listener, func() error, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	server := &http.Server{Handler: http.HandlerFunc(hello)}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	stop := func() error {
		limited, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		if err := server.Shutdown(limited); err != nil {
			return err
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
	return listener, stop, nil
}

func serveUntilSignal(address string) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	listener, stop, err := start(address)
	if err != nil {
		return err
	}
	line, err := json.Marshal(map[string]string{
		"listening": listener.Addr().String(),
	})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	<-signals
	return stop()
}

// The demo: so many clients ask so many times each.
const (
	clients  = 4
	requests = 250
	timeout  = 10 * time.Second
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
	listener, stop, err := start("127.0.0.1:0")
	if err != nil {
		return err
	}
	wall, cpu := time.Now(), cpuTime()
	results := make(chan error, clients)
	for client := 0; client < clients; client++ {
		go func() { results <- ask(listener.Addr().String()) }()
	}
	for client := 0; client < clients; client++ {
		if err := <-results; err != nil {
			return err
		}
	}
	count := clients * requests
	line, err := json.Marshal(report{
		Result: map[string]int{
			"requests": count,
			"bytes":    count * len(body),
		},
		Phases: map[string]phase{"requests": {
			Seconds:    time.Since(wall).Seconds(),
			CPUSeconds: (cpuTime() - cpu).Seconds(),
			Work:       count,
		}},
	})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	return stop()
}

// ask sends its requests over one connection and compares every answer.
func ask(address string) error {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: timeout}
	for number := 0; number < requests; number++ {
		answer, err := client.Get("http://" + address + "/")
		if err != nil {
			return err
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return err
		}
		length := answer.ContentLength
		if answer.StatusCode != http.StatusOK || string(text) != body ||
			length != int64(len(body)) {
			return fmt.Errorf("wrong answer: status %s, %d of %d bytes",
				answer.Status, len(text), length)
		}
	}
	return nil
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
	run := demo
	if *listen != "" {
		run = func() error { return serveUntilSignal(*listen) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
