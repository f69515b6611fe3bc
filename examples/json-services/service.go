// A small JSON object by net/http. The others of its kind are main.py and
// main.rs. Without -listen it starts itself, asks once and stops.
//
//	go run examples/json-services/service.go
//	go run examples/json-services/service.go -listen 127.0.0.1:7007
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
	"strconv"
	"syscall"
	"time"
)

const expected = `{"id":7,"name":"Ada","languages":["Python","Rust"],"active":true}`

// ANCHOR: service
type Person struct {
	ID        int      `json:"id"`
	Name      string   `json:"name"`
	Languages []string `json:"languages"`
	Active    bool     `json:"active"`
}

func person(response http.ResponseWriter, request *http.Request) {
	languages := []string{"Python", "Rust"}
	body, err := json.Marshal(Person{7, "Ada", languages, true})
	if err != nil {
		http.Error(response, "internal error", 500)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	response.Header().Set("Content-Length", strconv.Itoa(len(body)))
	// A client that has gone needs no answer.
	_, _ = response.Write(body)
}

// ANCHOR_END: service

func askOnce(address string) error {
	client := http.Client{Timeout: 10 * time.Second}
	began := time.Now()
	cpu, err := cpuTime()
	if err != nil {
		return err
	}
	answer, err := client.Get("http://" + address + "/json")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	seconds := time.Since(began).Seconds()
	now, err := cpuTime()
	if err != nil {
		return err
	}
	if string(body) != expected {
		return fmt.Errorf("wrong answer: expected %s, got %s", expected, body)
	}
	type phase struct {
		Seconds    float64 `json:"seconds"`
		CPUSeconds float64 `json:"cpu_seconds"`
		Work       int     `json:"work"`
	}
	report := map[string]any{
		"result": json.RawMessage(body),
		"phases": map[string]phase{"ask": {seconds, now - cpu, 1}},
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// User and system time of this process so far, in seconds.
func cpuTime() (float64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, err
	}
	total := usage.Utime.Nano() + usage.Stime.Nano()
	return time.Duration(total).Seconds(), nil
}

func run(listen string) error {
	address := listen
	if listen == "" {
		address = "127.0.0.1:0"
	}
	signals, cancel := signal.NotifyContext(
		context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/json", person)
	server := http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	var asked error
	if listen == "" {
		asked = askOnce(listener.Addr().String())
	} else {
		line := map[string]string{"listening": listener.Addr().String()}
		if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
			return err
		}
		select {
		case <-signals.Done():
		case err := <-served:
			return err
		}
	}
	if err := server.Close(); err != nil {
		return err
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return asked
}

func main() {
	listen := flag.String("listen", "",
		"serve on this `IP:PORT` until SIGTERM or SIGINT "+
			"(default: start, ask once, stop)")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "unexpected argument:", flag.Arg(0))
		os.Exit(2)
	}
	if err := run(*listen); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
