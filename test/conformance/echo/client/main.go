// The echo application's client, with more patience: by itself it gives 500 requests, each on a connection of its own, five seconds
// together, which a busy machine does not keep. Options that are given still count.
package main

import (
	"log"
	"os"
	"syscall"
)

const program = "/usr/local/bin/echo-client"

func main() {
	arguments := append([]string{program, "--timeout=60s"}, os.Args[1:]...)
	log.Fatal(syscall.Exec(program, arguments, os.Environ()))
}
