// SPDX-License-Identifier: Apache-2.0

// Baseline prints the rootfs digest of profile cmc of a tree, made the obvious way: one goroutine
// that walks, writes a tar stream and hashes it. Ours must be the same digest, and faster.
//
//	baseline TREE
package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
	"unsafe"
)

const capability = "security.capability"

// measurer holds what one walk needs: the stream, and the first name of each inode that has several.
type measurer struct {
	root  string
	out   *tar.Writer
	names map[uint64]string
}

// readCapability returns the value of a path's capability attribute, empty when it has none.
func readCapability(path string) (string, error) {
	var value [256]byte
	where, err := syscall.BytePtrFromString(path)
	if err != nil {
		return "", err
	}
	name, err := syscall.BytePtrFromString(capability)
	if err != nil {
		return "", err
	}
	n, _, errno := syscall.Syscall6(syscall.SYS_LGETXATTR, uintptr(unsafe.Pointer(where)),
		uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&value[0])), uintptr(len(value)), 0, 0)
	switch errno {
	case 0:
		return string(value[:n]), nil
	case syscall.ENODATA, syscall.ENOTSUP:
		return "", nil
	}
	return "", &fs.PathError{Op: "lgetxattr", Path: path, Err: errno}
}

// setKind fills in what depends on the kind of the entry.
func (m *measurer) setKind(h *tar.Header, path string, st *syscall.Stat_t) (err error) {
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		h.Typeflag, h.Size = tar.TypeReg, st.Size
	case syscall.S_IFDIR:
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
	case syscall.S_IFLNK:
		h.Typeflag = tar.TypeSymlink
		h.Linkname, err = os.Readlink(path)
	case syscall.S_IFIFO:
		h.Typeflag = tar.TypeFifo
	case syscall.S_IFCHR, syscall.S_IFBLK:
		h.Typeflag = tar.TypeChar
		if st.Mode&syscall.S_IFMT == syscall.S_IFBLK {
			h.Typeflag = tar.TypeBlock
		}
		h.Devmajor = int64(st.Rdev>>8&0xfff | st.Rdev>>32&0xfffff000)
		h.Devminor = int64(st.Rdev&0xff | st.Rdev>>12&0xffffff00)
	}
	return err
}

// setLink turns every name of an inode but the first into a hard link to the first.
func (m *measurer) setLink(h *tar.Header, st *syscall.Stat_t) {
	if st.Nlink < 2 || h.Typeflag == tar.TypeDir {
		return
	}
	if first, seen := m.names[st.Ino]; seen {
		h.Typeflag, h.Linkname, h.Size = tar.TypeLink, first, 0
	} else {
		m.names[st.Ino] = h.Name
	}
}

func (m *measurer) copyContent(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(m.out, file)
	return err
}

// add is called by filepath.Walk, which sorts the names of each directory.
func (m *measurer) add(path string, info fs.FileInfo, err error) error {
	if err != nil || path == m.root || info.Mode()&fs.ModeSocket != 0 {
		return err
	}
	name, err := filepath.Rel(m.root, path)
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	h := &tar.Header{
		Name:    name,
		Mode:    int64(st.Mode & 07777),
		Uid:     int(st.Uid),
		Gid:     int(st.Gid),
		ModTime: time.Unix(0, 0),
		Format:  tar.FormatPAX,
	}
	if err := m.setKind(h, path, st); err != nil {
		return err
	}
	m.setLink(h, st)
	value, err := readCapability(path)
	if err != nil {
		return err
	}
	if value != "" {
		h.PAXRecords = map[string]string{"SCHILY.xattr." + capability: value}
	}
	if err := m.out.WriteHeader(h); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if h.Typeflag != tar.TypeReg || h.Size == 0 {
		return nil
	}
	return m.copyContent(path)
}

func measure(root string) ([]byte, error) {
	root = filepath.Clean(root)
	hash := sha256.New()
	m := &measurer{root: root, out: tar.NewWriter(hash), names: map[uint64]string{}}
	if err := filepath.Walk(root, m.add); err != nil {
		return nil, err
	}
	if err := m.out.Close(); err != nil {
		return nil, err
	}
	return hash.Sum(nil), nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: baseline TREE")
		os.Exit(2)
	}
	digest, err := measure(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "baseline:", err)
		os.Exit(1)
	}
	fmt.Println(hex.EncodeToString(digest))
}
