// bolt-maker makes database files as etcd's snapshots have them, of every shape that bbolt can give them, and tells of
// any file whether bbolt and etcd would take it. It is the tests' own.
//
//	bolt-maker make FILE < recipe.json   writes a snapshot, prints what is in it
//	bolt-maker judge FOLDER              answers one JSON line for each database on its standard input
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: bolt-maker make FILE | judge FOLDER"))
	}
	switch verb, path := os.Args[1], os.Args[2]; verb {
	case "make":
		makeOne(path)
	case "judge":
		judgeMany(path)
	default:
		fail(fmt.Errorf("no verb %q", verb))
	}
}

func makeOne(path string) {
	var recipe Recipe
	decoder := json.NewDecoder(os.Stdin)
	decoder.DisallowUnknownFields()
	must(decoder.Decode(&recipe))
	write(recipe, path)
	must(json.NewEncoder(os.Stdout).Encode(judge(path, false)))
}

// A database is its length in 4 bytes, the greatest byte first, and itself. bbolt maps files, so each is written into
// the folder first. A file that kills the process is answered by its end: bbolt panics in goroutines of its own.
func judgeMany(folder string) {
	go endWhenTooLarge()
	input, output := bufio.NewReaderSize(os.Stdin, 1<<20), json.NewEncoder(os.Stdout)
	path := filepath.Join(folder, fmt.Sprintf("judged-%d.db", os.Getpid()))
	defer os.Remove(path)
	for {
		var length uint32
		if err := binary.Read(input, binary.BigEndian, &length); err == io.EOF {
			return
		} else {
			must(err)
		}
		bytes := make([]byte, length)
		_, err := io.ReadFull(input, bytes)
		must(err)
		must(os.WriteFile(path, bytes, 0600))
		must(output.Encode(judge(path, true)))
	}
}

// A hostile file makes bbolt count billions of pages, or follow them in a circle.
func endWhenTooLarge() {
	debug.SetMaxStack(16 << 20)
	var stats runtime.MemStats
	for range time.Tick(10 * time.Millisecond) {
		if runtime.ReadMemStats(&stats); stats.HeapAlloc > 48<<20 {
			fail(fmt.Errorf("bbolt needs more than 48 MiB for it"))
		}
	}
}

func must(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
