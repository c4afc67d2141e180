package pgtest

import (
	"fmt"
	"strconv"
	"testing"
)

// Standby makes a second cluster that follows this one asynchronously, and
// starts it.
func (c *Cluster) Standby(t testing.TB) *Cluster {
	t.Helper()
	s, err := newCluster()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Destroy)
	out, err := c.Command("pg_basebackup", "-h", "127.0.0.1", "-p", strconv.Itoa(c.Port), "-U", Superuser, "-D", s.Dir,
		"-X", "stream", "-c", "fast", "-R", "--no-sync").CombinedOutput()
	if err != nil {
		t.Fatalf("pg_basebackup: %v\n%s", err, out)
	}
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return s
}

// CutOff stops a standby from following: what its primary confirms from now on
// is lost with the primary.
func (c *Cluster) CutOff(t testing.TB) {
	t.Helper()
	c.Exec(t, "ALTER SYSTEM SET primary_conninfo = ''")
	c.Exec(t, "SELECT pg_reload_conf()")
}

// Promote makes a standby a primary.
func (c *Cluster) Promote(t testing.TB) {
	t.Helper()
	c.Exec(t, "SELECT pg_promote(true, 60)")
}

// DSNs returns one address for several clusters: whichever takes writes is used.
func DSNs(clusters []*Cluster, params ...string) string {
	hosts, ports := "", ""
	for i, c := range clusters {
		if i > 0 {
			hosts, ports = hosts+",", ports+","
		}
		hosts, ports = hosts+"127.0.0.1", ports+strconv.Itoa(c.Port)
	}
	dsn := fmt.Sprintf("host=%s port=%s user=%s dbname=postgres sslmode=disable target_session_attrs=read-write", hosts, ports, Superuser)
	for i := 0; i+1 < len(params); i += 2 {
		dsn += " " + params[i] + "=" + params[i+1]
	}
	return dsn
}
