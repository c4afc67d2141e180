//go:build !linux

package disk

// There is no portable way to give a file its blocks.

func holdReserve(string, uint64) {}

func holdLogs(string) {}
