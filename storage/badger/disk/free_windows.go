package disk

import "golang.org/x/sys/windows"

// Measure says what the file system of a directory has.
func Measure(dir string) (Space, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return Space{}, err
	}
	var free, total uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, &total, nil); err != nil {
		return Space{}, err
	}
	return Space{Free: free, Total: total}, nil
}
