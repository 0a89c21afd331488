// The entry point of the Collector's image: what `tradewise-otel collector run` does, without Python or a shell.
//
//	launcher --role gateway --overlay secure     becomes the Collector in that role
//	launcher probe http://127.0.0.1:13133/       exits with 0 when that answers 200: the health check
//	launcher send https://gateway:4318 http://gateway:8888/metrics     one event, and whether it is counted
//
// roles.json beside the layers is the one list of roles, overlays and the settings that each cannot do without.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

const (
	folder  = "/etc/tradewise-otel/collector"
	program = "/usr/local/bin/otelcol-tradewise"
	usage   = 2
)

func main() {
	os.Exit(run(os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

func run(words, environ []string, out, problems io.Writer) int {
	if len(words) == 2 && words[0] == "probe" {
		return probe(words[1], problems)
	}
	if len(words) == 3 && words[0] == "send" {
		return send(words[1], words[2], environ, out, problems)
	}
	asked, err := parse(words)
	if err != nil {
		fmt.Fprintf(problems, "launcher: %v\n", err)
		return usage
	}
	environ = withDefaults(withoutBlanks(environ))
	arguments, err := arguments(asked, environ)
	if err != nil {
		fmt.Fprintf(problems, "launcher: %v\n", err)
		return 1
	}
	if asked.print {
		fmt.Fprintln(out, strings.Join(arguments, "\n"))
		return 0
	}
	// The same process: signals and exit codes are the Collector's own.
	err = syscall.Exec(asked.binary, append([]string{asked.binary}, arguments...), environ)
	fmt.Fprintf(problems, "launcher: %s cannot be started: %v\n", asked.binary, err)
	return 1
}

type request struct {
	role, folder, binary string
	overlays             []string
	print                bool
}

func parse(words []string) (request, error) {
	asked := request{folder: folder, binary: program}
	for _, word := range words {
		name, value, found := strings.Cut(word, "=")
		if word == "--print" {
			asked.print = true
			continue
		}
		if !found || value == "" {
			return asked, fmt.Errorf("%q: there is --role=, --overlay=, --dir=, --binary= and --print", word)
		}
		switch name {
		case "--role":
			asked.role = value
		case "--overlay":
			asked.overlays = append(asked.overlays, value)
		case "--dir":
			asked.folder = value
		case "--binary":
			asked.binary = value
		default:
			return asked, fmt.Errorf("%q: there is --role=, --overlay=, --dir=, --binary= and --print", word)
		}
	}
	if asked.role == "" {
		return asked, errors.New("--role=laptop, --role=agent or --role=gateway must be given")
	}
	return asked, nil
}

// withoutBlanks leaves out what is set to nothing, as `DD_SITE=${DD_SITE:-}` in a Compose file is: the Collector
// would take the empty text instead of the default.
func withoutBlanks(environ []string) []string {
	var said []string
	for _, line := range environ {
		if _, value, _ := strings.Cut(line, "="); strings.TrimSpace(value) != "" {
			said = append(said, line)
		}
	}
	return said
}

// withDefaults gives a value to what has one outside the layers.
func withDefaults(environ []string) []string {
	name, err := os.Hostname()
	if err != nil {
		name = "unknown"
	}
	for setting, value := range map[string]string{
		"TRADEWISE_DATA_DIR":        "/var/lib/tradewise-otel",
		"TRADEWISE_NODE_NAME":       name,
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		if lookup(environ, setting) == "" {
			environ = append(environ, setting+"="+value)
		}
	}
	return environ
}

func lookup(environ []string, name string) string {
	for _, line := range environ {
		if value, found := strings.CutPrefix(line, name+"="); found {
			return value
		}
	}
	return ""
}
