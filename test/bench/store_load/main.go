// Load for the stores under comparison: one generator for all, so that what it costs is the same for each. It speaks to etcd through etcd's own client, to a bare
// member of ours in frames (store_member.ts), and to a master over HTTPS. Prints one line of JSON about what it saw between warm-up and end.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/etcd/clientv3"
)

type target interface {
	put(key int, value []byte) error
	get(key int) error
}

var (
	kind     = flag.String("target", "etcd", "etcd, frames or api")
	endpoint = flag.String("endpoint", "", "host:port of the member to ask")
	op       = flag.String("op", "put", "put, get, or fill (each key once)")
	clients  = flag.Int("clients", 1, "callers at a time")
	conns    = flag.Int("connections", 16, "connections they share; api: one each")
	keys     = flag.Int("keys", 10000, "keys")
	size     = flag.Int("value", 1024, "bytes of a value")
	warm     = flag.Duration("warm", 500*time.Millisecond, "not looked at")
	length   = flag.Duration("for", 2*time.Second, "looked at")
	pids     = flag.String("pids", "", "processes whose CPU is told, with commas")
	tlsDir   = flag.String("tls", "", "api: directory with ca.crt, admin.crt, admin.key")
)

func main() {
	flag.Parse()
	count := *conns
	if *clients < count || *kind == "api" {
		count = *clients
	}
	targets := make([]target, count)
	for at := range targets {
		targets[at] = open()
	}
	value := bytes.Repeat([]byte("a"), *size)
	if *op == "fill" {
		fill(targets, value)
		return
	}
	measure(targets, value)
}

func open() target {
	switch *kind {
	case "etcd":
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{*endpoint}, DialTimeout: 5 * time.Second})
		check(err)
		return &etcd{client}
	case "frames":
		connection, err := net.Dial("tcp", *endpoint)
		check(err)
		f := &frames{connection: connection, waiting: map[uint32]chan error{}}
		go f.read()
		return f
	case "api":
		return openAPI()
	}
	check(errors.New("there is no target " + *kind))
	return nil
}

type sample struct{ at, took time.Duration }

func measure(targets []target, value []byte) {
	var stop int32
	started := time.Now()
	perClient := make([][]sample, *clients)
	var all sync.WaitGroup
	for c := 0; c < *clients; c++ {
		all.Add(1)
		go func(c int) {
			defer all.Done()
			t := targets[c%len(targets)]
			stripe := *keys / *clients
			samples := make([]sample, 0, 1<<16)
			for n := 0; atomic.LoadInt32(&stop) == 0; n++ {
				// Keys of its own, far from the last one, as those of different objects are.
				key := c*stripe + n*7919%stripe
				from := time.Now()
				if *op == "get" {
					check(t.get(key))
				} else {
					check(t.put(key, value))
				}
				samples = append(samples, sample{time.Since(started), time.Since(from)})
			}
			perClient[c] = samples
		}(c)
	}
	time.Sleep(*warm)
	begin, cpu, own := time.Since(started), cpuOf(*pids), ownCPU()
	time.Sleep(*length)
	end, cpuAfter, ownAfter := time.Since(started), cpuOf(*pids), ownCPU()
	atomic.StoreInt32(&stop, 1)
	all.Wait()
	var took []float64
	for _, samples := range perClient {
		for _, s := range samples {
			if s.at > begin && s.at <= end {
				took = append(took, float64(s.took.Nanoseconds())/1000)
			}
		}
	}
	if len(took) == 0 {
		check(errors.New("nothing was answered"))
	}
	sort.Float64s(took)
	n := float64(len(took))
	tell(map[string]float64{
		"perSecond": n / (end - begin).Seconds(),
		"p50Us":     took[len(took)/2],
		"p99Us":     took[len(took)*99/100],
		"cpuUs":     (cpuAfter - cpu) / n,
		"clientUs":  (ownAfter - own) / n,
		// Of all processors: what neither the members nor the generator used, others had or nobody.
		"busy": (cpuAfter - cpu + ownAfter - own) / float64((end - begin).Microseconds()),
	})
}

func fill(targets []target, value []byte) {
	started := time.Now()
	next := int64(-1)
	var all sync.WaitGroup
	for c := 0; c < *clients; c++ {
		all.Add(1)
		go func(t target) {
			defer all.Done()
			for key := atomic.AddInt64(&next, 1); key < int64(*keys); key = atomic.AddInt64(&next, 1) {
				check(t.put(int(key), value))
			}
		}(targets[c%len(targets)])
	}
	all.Wait()
	tell(map[string]float64{"seconds": time.Since(started).Seconds()})
}

func tell(what map[string]float64) {
	check(json.NewEncoder(os.Stdout).Encode(what))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "Cannot load "+*endpoint+":", err)
		os.Exit(1)
	}
}

func name(key int) string { return fmt.Sprintf("/r/core/configmaps/default/%06d", key) }

// User and system time of all threads, µs. proc(5): fields 14 and 15 of /proc/pid/stat; the name before them may hold spaces.
func cpuOf(list string) float64 {
	ticks := 0
	for _, pid := range strings.Split(list, ",") {
		if pid == "" {
			continue
		}
		text, err := os.ReadFile("/proc/" + pid + "/stat")
		check(err)
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
		for _, field := range fields[11:13] {
			n, _ := strconv.Atoi(field)
			ticks += n
		}
	}
	return float64(ticks) * 10000
}

func ownCPU() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1000
}

// etcd's own client: one gRPC connection, any number of calls on it.
type etcd struct{ client *clientv3.Client }

func (e *etcd) put(key int, value []byte) error {
	_, err := e.client.Put(context.Background(), name(key), string(value))
	return err
}
func (e *etcd) get(key int) error {
	_, err := e.client.Get(context.Background(), name(key))
	return err
}

// A bare member of ours: one connection, any number of calls on it.
type frames struct {
	connection net.Conn
	mutex      sync.Mutex
	waiting    map[uint32]chan error
	next       uint32
}

func (f *frames) put(key int, value []byte) error { return f.call(1, name(key), value) }
func (f *frames) get(key int) error               { return f.call(2, name(key), nil) }

func (f *frames) call(verb byte, key string, value []byte) error {
	frame := make([]byte, 11+len(key)+len(value))
	done := make(chan error, 1)
	f.mutex.Lock()
	f.next++
	id := f.next
	f.waiting[id] = done
	binary.LittleEndian.PutUint32(frame, uint32(len(frame)-4))
	binary.LittleEndian.PutUint32(frame[4:], id)
	frame[8] = verb
	binary.LittleEndian.PutUint16(frame[9:], uint16(len(key)))
	copy(frame[11:], key)
	copy(frame[11+len(key):], value)
	_, err := f.connection.Write(frame)
	f.mutex.Unlock()
	if err != nil {
		return err
	}
	return <-done
}

func (f *frames) read() {
	reader := bufio.NewReaderSize(f.connection, 64*1024)
	head := make([]byte, 9)
	for {
		if _, err := io.ReadFull(reader, head); err != nil {
			check(err)
		}
		body := make([]byte, binary.LittleEndian.Uint32(head)-5)
		if _, err := io.ReadFull(reader, body); err != nil {
			check(err)
		}
		id := binary.LittleEndian.Uint32(head[4:])
		f.mutex.Lock()
		done := f.waiting[id]
		delete(f.waiting, id)
		f.mutex.Unlock()
		if head[8] != 0 {
			done <- errors.New(string(body))
		} else {
			done <- nil
		}
	}
}

// A master: HTTP/1.1 over TLS with the admin's certificate, one connection a caller; ConfigMaps that hold as many bytes as a value has.
type api struct{ client *http.Client }

func openAPI() target {
	certificate, err := tls.LoadX509KeyPair(*tlsDir+"/admin.crt", *tlsDir+"/admin.key")
	check(err)
	// The generator judges speed, not identity; its requests go to 127.0.0.1.
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, InsecureSkipVerify: true}
	return &api{&http.Client{Transport: &http.Transport{TLSClientConfig: config, MaxIdleConnsPerHost: 1}}}
}

func (a *api) put(key int, value []byte) error {
	body := fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c%06d"},"data":{"value":"%s"}}`, key, value)
	if *op == "fill" {
		return a.ask("POST", "", body)
	}
	return a.ask("PUT", fmt.Sprintf("/c%06d", key), body)
}
func (a *api) get(key int) error { return a.ask("GET", fmt.Sprintf("/c%06d", key), "") }

func (a *api) ask(method, path, body string) error {
	request, err := http.NewRequest(method, "https://"+*endpoint+"/api/v1/namespaces/default/configmaps"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("content-type", "application/json")
	request.Header.Set("accept", "application/json")
	answer, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, said)
	}
	return err
}
