// Package begin tries the first hour as a new user has it: the commands that need
// no configuration, run from the built program in an empty directory.
package begin
