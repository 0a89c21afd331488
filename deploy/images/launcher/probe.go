package main

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// probe asks once: an image without a shell has nothing else to ask with.
func probe(url string, problems io.Writer) int {
	client := http.Client{Timeout: 3 * time.Second}
	answer, err := client.Get(url)
	if err != nil {
		fmt.Fprintln(problems, err)
		return 1
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		fmt.Fprintln(problems, answer.Status)
		return 1
	}
	return 0
}
