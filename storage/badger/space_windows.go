package badger

import "golang.org/x/sys/windows"

func freeSpace(dir string) (space, error) {
	p, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return space{}, err
	}
	var free, total uint64
	if err := windows.GetDiskFreeSpaceEx(p, &free, &total, nil); err != nil {
		return space{}, err
	}
	return space{free: free, total: total}, nil
}
