// Package crc is the CRC-32C by which the stores' files, and Badger's own, tell that
// they are whole.
package crc

import "hash/crc32"

var table = crc32.MakeTable(crc32.Castagnoli) //nolint:gochecknoglobals // a constant

// Of returns the CRC-32C of the parts, one after the other.
func Of(parts ...[]byte) (sum uint32) {
	for _, p := range parts {
		sum = Add(sum, p)
	}
	return sum
}

// Add returns the CRC-32C of what sum is of, and p behind it.
func Add(sum uint32, p []byte) uint32 { return crc32.Update(sum, table, p) }
