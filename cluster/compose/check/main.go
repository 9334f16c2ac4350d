// What `docker compose config` does, without an engine: reads compose files with the compose tool's
// own library, holds them to its schema and rules, and prints the project it makes of them as JSON,
// every profile switched on. `make compose` runs it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if len(os.Args) != 2 {
		fail("usage: check COMPOSE_FILE < /dev/null > PROJECT.json")
	}
	// As in a clean shell, without a .env: the files must do without either.
	options, err := cli.NewProjectOptions(
		[]string{os.Args[1]},
		cli.WithEnv(os.Environ()),
		cli.WithProfiles([]string{"*"}),
		cli.WithInterpolation(true),
		cli.WithNormalization(true),
		cli.WithConsistency(true),
		cli.WithResolvedPaths(true),
	)
	if err != nil {
		fail(err)
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		fail(err)
	}
	json, err := project.MarshalJSON()
	if err != nil {
		fail(err)
	}
	if _, err := os.Stdout.Write(append(json, '\n')); err != nil {
		fail(err)
	}
}

func fail(why any) {
	fmt.Fprintln(os.Stderr, why)
	os.Exit(1)
}
