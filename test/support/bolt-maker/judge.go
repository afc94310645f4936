package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/coreos/go-semver/semver"
	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/authpb"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/server/v3/lease/leasepb"
	"go.etcd.io/raft/v3/raftpb"
)

// Verdict is what bbolt and etcd say of a file, and what is in it.
type Verdict struct {
	Structure []string       `json:"structure"` // why bbolt's check, or etcd's first look at its buckets, refuses it
	Values    []string       `json:"values"`    // what in values etcd would die of
	Keys      map[string]int `json:"keys"`      // by bucket
	Revision  uint64         `json:"revision"`
	// -1 where there was none
	Scheduled       int64  `json:"scheduled"`
	Finished        int64  `json:"finished"`
	ConsistentIndex uint64 `json:"consistentIndex"`
}

const named = 5

func judge(path string, writes bool) *Verdict {
	v := &Verdict{Structure: []string{}, Values: []string{}, Keys: map[string]int{}, Scheduled: -1, Finished: -1}
	v.look(path)
	if writes && len(v.Structure) == 0 {
		v.writeAgain(path)
	}
	return v
}

func (v *Verdict) damaged(format string, args ...any) {
	if len(v.Structure) < named {
		v.Structure = append(v.Structure, fmt.Sprintf(format, args...))
	}
}

func (v *Verdict) bad(format string, args ...any) {
	if len(v.Values) < named {
		v.Values = append(v.Values, fmt.Sprintf(format, args...))
	}
}

func (v *Verdict) look(path string) {
	db, err := bolt.Open(path, 0600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		v.damaged("open: %v", err)
		return
	}
	defer db.Close()
	must(db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			v.damaged("check: %v", err)
		}
		if len(v.Structure) == 0 {
			v.lookAtBuckets(tx)
		}
		return nil
	}))
}

// etcd writes as soon as it runs. Everything is put again, so that each page is read for writing, which bbolt does with
// more care, and written elsewhere; what comes of it has to be sound, too.
func (v *Verdict) writeAgain(path string) {
	db, err := bolt.Open(path, 0600, &bolt.Options{NoFreelistSync: true, FreelistType: bolt.FreelistMapType, Timeout: time.Second})
	if err != nil {
		v.damaged("open to write: %v", err)
		return
	}
	defer db.Close()
	db.NoSync = true
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range buckets {
			bucket := tx.Bucket([]byte(name))
			keys, values := [][]byte{}, [][]byte{}
			must(bucket.ForEach(func(key, value []byte) error {
				keys, values = append(keys, key), append(values, value)
				return nil
			}))
			for i, key := range keys {
				if err := bucket.Put(key, values[i]); err != nil {
					return fmt.Errorf("put %x in %s: %w", key, name, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		v.damaged("write: %v", err)
		return
	}
	must(db.View(func(tx *bolt.Tx) error {
		for err := range tx.Check() {
			v.damaged("check after writing: %v", err)
		}
		return nil
	}))
}

func (v *Verdict) lookAtBuckets(tx *bolt.Tx) {
	for _, name := range buckets {
		bucket := tx.Bucket([]byte(name))
		if bucket == nil {
			v.damaged("no bucket %s", name)
			continue
		}
		must(bucket.ForEach(func(key, value []byte) error {
			v.Keys[name]++
			if value == nil {
				v.damaged("a bucket in the bucket %s", name)
			} else {
				v.lookAt(name, key, value)
			}
			return nil
		}))
	}
	cursor := tx.Cursor()
	for name, value := cursor.First(); name != nil; name, value = cursor.Next() {
		if value != nil {
			v.damaged("a plain key in the root")
		}
	}
	if meta := tx.Bucket([]byte("meta")); meta != nil {
		v.lookAtMeta(meta)
	}
}

func (v *Verdict) lookAt(bucket string, key, value []byte) {
	switch bucket {
	case "key":
		main, ok := revision(key)
		if !ok {
			v.damaged("no revision: %x", key)
			return
		}
		v.Revision = main
		var kv mvccpb.KeyValue
		if err := kv.Unmarshal(value); err != nil {
			v.bad("KeyValue of %x: %v", key, err)
		}
	case "lease":
		var lease leasepb.Lease
		if err := lease.Unmarshal(value); err != nil {
			v.bad("lease %x: %v", key, err)
		}
	case "alarm":
		var alarm etcdserverpb.AlarmMember
		if err := alarm.Unmarshal(key); err != nil {
			v.bad("alarm %x: %v", key, err)
		}
	case "auth":
		v.lookAtAuth(string(key), value)
	case "authUsers":
		var user authpb.User
		if err := user.Unmarshal(value); err != nil {
			v.bad("user: %v", err)
		}
	case "authRoles":
		var role authpb.Role
		if err := role.Unmarshal(value); err != nil {
			v.bad("role: %v", err)
		}
	case "cluster":
		v.lookAtCluster(string(key), value)
	case "members":
		v.lookAtMemberID(key)
		var member member
		if err := json.Unmarshal(value, &member); err != nil {
			v.bad("member: %v", err)
		}
	case "members_removed":
		v.lookAtMemberID(key)
	case "meta":
		if string(key) != "confState" {
			return
		}
		var state raftpb.ConfState
		if err := json.Unmarshal(value, &state); err != nil {
			v.bad("confState: %v", err)
		}
	}
}

// What etcd reads of a member (its server/etcdserver/api/membership/member.go).
type member struct {
	ID         uint64   `json:"id"`
	PeerURLs   []string `json:"peerURLs"`
	IsLearner  bool     `json:"isLearner,omitempty"`
	Name       string   `json:"name,omitempty"`
	ClientURLs []string `json:"clientURLs,omitempty"`
}

func (v *Verdict) lookAtMemberID(key []byte) {
	if _, err := strconv.ParseUint(string(key), 16, 64); err != nil {
		v.bad("member ID: %v", err)
	}
}

func (v *Verdict) lookAtAuth(key string, value []byte) {
	switch key {
	case "authEnabled":
		if bytes.Equal(value, []byte{1}) {
			v.bad("authentication is on, which no recipe asks for: nobody is let in")
		}
	case "authRevision":
		if len(value) < 8 {
			v.bad("authRevision has %d bytes", len(value))
		}
	}
}

func (v *Verdict) lookAtCluster(key string, value []byte) {
	if key != "clusterVersion" {
		return
	}
	if _, err := semver.NewVersion(string(value)); err != nil {
		v.bad("clusterVersion: %v", err)
	}
}

func (v *Verdict) lookAtMeta(meta *bolt.Bucket) {
	if index := meta.Get([]byte("consistent_index")); index == nil && v.Keys["key"] == 0 {
		// etcd 3.4 that was never written to
	} else if len(index) < 8 {
		v.damaged("consistent_index has %d bytes", len(index))
	} else {
		v.ConsistentIndex = binary.BigEndian.Uint64(index)
	}
	if term := meta.Get([]byte("term")); term != nil && len(term) < 8 {
		v.damaged("term has %d bytes", len(term))
	}
	v.Scheduled = v.compactRevision(meta, "scheduledCompactRev")
	v.Finished = v.compactRevision(meta, "finishedCompactRev")
}

func (v *Verdict) compactRevision(meta *bolt.Bucket, name string) int64 {
	bytes := meta.Get([]byte(name))
	if bytes == nil {
		return -1
	}
	main, ok := revision(bytes)
	if !ok {
		v.damaged("%s is no revision: %x", name, bytes)
	}
	return int64(main)
}

// etcd's BytesToRev, which panics where this says no.
func revision(bytes []byte) (uint64, bool) {
	if len(bytes) != 17 && len(bytes) != 18 || bytes[8] != '_' {
		return 0, false
	}
	main, sub := binary.BigEndian.Uint64(bytes), binary.BigEndian.Uint64(bytes[9:])
	return main, int64(main) >= 0 && int64(sub) >= 0
}
