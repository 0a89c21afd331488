// The two ends of a Collector under measurement, fast enough not to be what is measured: `sink ADDRESS` takes
// whatever is posted to it, `send URL FILE SECONDS CONNECTIONS` posts a file for so long and prints how often it was taken.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	var err error
	if os.Args[1] == "sink" {
		err = http.ListenAndServe(os.Args[2], http.HandlerFunc(take))
	} else {
		err = send(os.Args[2], os.Args[3], number(os.Args[4]), int(number(os.Args[5])))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func take(answer http.ResponseWriter, request *http.Request) {
	io.Copy(io.Discard, request.Body)
	answer.WriteHeader(http.StatusOK)
}

func number(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(err)
	}
	return value
}

func send(url, file string, seconds float64, connections int) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	ends := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	var taken, refused atomic.Int64
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			for time.Now().Before(ends) {
				if post(client, url, body) {
					taken.Add(1)
				} else {
					refused.Add(1)
				}
			}
		})
	}
	all.Wait()
	fmt.Println(taken.Load(), refused.Load())
	return nil
}

func post(client *http.Client, url string, body []byte) bool {
	answer, err := client.Post(url, "application/x-protobuf", bytes.NewReader(body))
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK
}
