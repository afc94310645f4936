package main

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"os"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/api/v3/authpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// Recipe is a series of transactions. Two runs with the same one make the same file, but for bbolt's own maps: those
// decide which free page is taken.
type Recipe struct {
	Seed         int64
	PageSize     int    // the machine's when 0
	FreelistSync bool   // etcd writes none on Linux
	FreelistType string // "map" (etcd's) when empty, or "array"

	Keys         int
	Transactions int
	Operations   int    // in a transaction, at most; 1 when 0
	Txn          bool   // all of a transaction are one of etcd's, of one revision with sub-revisions
	DeleteEvery  int    // one in so many operations deletes; none when 0
	Value        [2]int // bytes, at least and at most
	BigEvery     int    // one in so many values is a big one; none when 0
	Big          [2]int
	CompactEvery int    // transactions; never when 0
	Retain       uint64 // so many revisions are kept
	Unfinished   bool   // the last compaction was begun only
	LeaseEvery   int    // one in so many keys has a lease; none when 0

	Users, Roles, Leases, Alarms, Members int
	ConfStateBytes                        int // in meta
}

var buckets = []string{"key", "meta", "lease", "auth", "authUsers", "authRoles", "cluster", "members", "members_removed", "alarm"}

func bucketOf(tx *bolt.Tx, name string) *bolt.Bucket {
	bucket := tx.Bucket([]byte(name))
	if name == "key" {
		bucket.FillPercent = 0.9 // as etcd does for a bucket that only grows at its end
	}
	return bucket
}

func write(recipe Recipe, path string) {
	live := path + ".live"
	os.Remove(path)
	kind := bolt.FreelistMapType
	if recipe.FreelistType == "array" {
		kind = bolt.FreelistArrayType
	}
	db, err := bolt.Open(live, 0600, &bolt.Options{PageSize: recipe.PageSize, NoFreelistSync: !recipe.FreelistSync, FreelistType: kind})
	must(err)
	defer os.Remove(live)
	defer db.Close()
	db.NoSync = true
	update := func(change func(tx *bolt.Tx)) {
		must(db.Update(func(tx *bolt.Tx) error { change(tx); return nil }))
	}

	update(func(tx *bolt.Tx) {
		for _, name := range buckets {
			_, err := tx.CreateBucket([]byte(name))
			must(err)
		}
	})
	update(func(tx *bolt.Tx) { putOthers(recipe, tx) })
	s := &store{recipe: recipe, random: rand.New(rand.NewSource(recipe.Seed)), keys: make([]state, recipe.Keys), revision: 1}
	for t := 1; t <= recipe.Transactions; t++ {
		update(s.writeSome)
		if recipe.CompactEvery > 0 && t%recipe.CompactEvery == 0 && s.revision > recipe.Retain {
			s.compact(update, s.revision-recipe.Retain, recipe.Unfinished && t+recipe.CompactEvery > recipe.Transactions)
		}
	}
	must(db.View(func(tx *bolt.Tx) error { return tx.CopyFile(path, 0600) }))
}

// Everything but the key space, as far as etcd wants to understand it when it starts.
func putOthers(recipe Recipe, tx *bolt.Tx) {
	put := func(bucket, key string, value []byte) { must(bucketOf(tx, bucket).Put([]byte(key), value)) }
	for i := 0; i < recipe.Users; i++ {
		name := fmt.Sprintf("user-%04d", i)
		user := authpb.User{Name: []byte(name), Password: make([]byte, 60), Roles: []string{"root"}}
		put("authUsers", name, marshal(&user))
	}
	for i := 0; i < recipe.Roles; i++ {
		name := fmt.Sprintf("role-%04d", i)
		role := authpb.Role{Name: []byte(name), KeyPermission: []*authpb.Permission{{Key: []byte("/registry/a"), RangeEnd: []byte("/registry/b")}}}
		put("authRoles", name, marshal(&role))
	}
	for i := 0; i < recipe.Leases; i++ {
		put("lease", string(uint64Bytes(leaseID(i))), leaseBytes(leaseID(i)))
	}
	for i := 0; i < recipe.Alarms; i++ {
		put("alarm", string([]byte{0x08, byte(i + 1), 0x10, 0x01}), []byte{}) // AlarmMember: a member and NOSPACE
	}
	for i := 0; i < recipe.Members; i++ {
		id := fmt.Sprintf("%016x", 0x1000+i)
		put("members", id, []byte(fmt.Sprintf(`{"id":%d,"peerURLs":["http://127.0.0.1:%d"],"name":"m%d","clientURLs":["http://127.0.0.1:2379"]}`, 0x1000+i, 2380+i, i)))
		put("members_removed", fmt.Sprintf("%016x", 0x2000+i), []byte("removed"))
	}
	put("auth", "authEnabled", []byte{0})
	put("auth", "authRevision", uint64Bytes(1))
	put("cluster", "clusterVersion", []byte("3.6.0"))
	put("meta", "consistent_index", uint64Bytes(1))
	put("meta", "term", uint64Bytes(2))
	put("meta", "storageVersion", []byte("3.6.0"))
	voters := []byte(`{"voters":[4096`)
	for len(voters) < recipe.ConfStateBytes {
		voters = append(voters, ",4096"...)
	}
	put("meta", "confState", append(voters, `],"auto_leave":false}`...))
}

type state struct{ create, mod, version uint64 }

type written struct {
	revision, sub uint64
	key           int
	tombstone     bool
}

type store struct {
	recipe   Recipe
	random   *rand.Rand
	keys     []state
	revision uint64
	history  []written // all that is in the bucket, in order
}

func (s *store) writeSome(tx *bolt.Tx) {
	operations, touched, sub := 1+s.random.Intn(max(1, s.recipe.Operations)), map[int]bool{}, uint64(0)
	for i := 0; i < operations; i++ {
		key := s.random.Intn(len(s.keys))
		if s.recipe.Txn && touched[key] {
			continue
		}
		touched[key] = true
		if !s.recipe.Txn || sub == 0 {
			s.revision++
		}
		if d := s.recipe.DeleteEvery; d > 0 && s.keys[key].version > 0 && s.random.Intn(d) == 0 {
			s.put(tx, key, sub, true)
		} else {
			s.put(tx, key, sub, false)
		}
		if s.recipe.Txn {
			sub++
		}
	}
	must(bucketOf(tx, "meta").Put([]byte("consistent_index"), uint64Bytes(s.revision+10)))
	must(bucketOf(tx, "meta").Put([]byte("term"), uint64Bytes(2)))
}

func (s *store) put(tx *bolt.Tx, key int, sub uint64, tombstone bool) {
	now := &s.keys[key]
	kv := mvccpb.KeyValue{Key: []byte(fmt.Sprintf("/registry/pods/ns-%d/pod-%d", key%7, key))}
	if tombstone {
		*now = state{}
	} else {
		if now.version == 0 {
			now.create = s.revision
		}
		now.mod, now.version = s.revision, now.version+1
		kv.CreateRevision, kv.ModRevision, kv.Version = int64(now.create), int64(now.mod), int64(now.version)
		kv.Value = s.value()
		if e := s.recipe.LeaseEvery; e > 0 && s.recipe.Leases > 0 && key%e == 0 {
			kv.Lease = int64(leaseID(key % s.recipe.Leases))
		}
	}
	must(bucketOf(tx, "key").Put(revisionBytes(s.revision, sub, tombstone), marshal(&kv)))
	s.history = append(s.history, written{s.revision, sub, key, tombstone})
}

func (s *store) value() []byte {
	size := s.recipe.Value
	if e := s.recipe.BigEvery; e > 0 && s.random.Intn(e) == 0 {
		size = s.recipe.Big
	}
	value := make([]byte, size[0]+s.random.Intn(size[1]-size[0]+1))
	s.random.Read(value)
	return value
}

// What etcd's compaction does: it writes down where to, takes away what is older than the newest of each key and every
// deletion below, and writes down that it is done.
func (s *store) compact(update func(func(*bolt.Tx)), to uint64, unfinished bool) {
	update(func(tx *bolt.Tx) {
		must(bucketOf(tx, "meta").Put([]byte("scheduledCompactRev"), revisionBytes(to, 0, false)))
	})
	newest := map[int]written{}
	for _, w := range s.history {
		if w.revision <= to {
			newest[w.key] = w
		}
	}
	kept, gone := []written{}, []written{}
	for _, w := range s.history {
		if w.revision > to || newest[w.key] == w && (!w.tombstone || w.revision == to) {
			kept = append(kept, w)
		} else {
			gone = append(gone, w)
		}
	}
	if unfinished {
		half := gone[len(gone)/2:]
		kept, gone = append(append([]written{}, half...), kept...), gone[:len(gone)/2]
	}
	for len(gone) > 0 {
		batch := gone[:min(len(gone), 100)]
		gone = gone[len(batch):]
		update(func(tx *bolt.Tx) {
			for _, w := range batch {
				must(bucketOf(tx, "key").Delete(revisionBytes(w.revision, w.sub, w.tombstone)))
			}
		})
	}
	s.history = kept
	if !unfinished {
		update(func(tx *bolt.Tx) {
			must(bucketOf(tx, "meta").Put([]byte("finishedCompactRev"), revisionBytes(to, 0, false)))
		})
	}
}

type message interface{ Marshal() ([]byte, error) }

func marshal(m message) []byte {
	bytes, err := m.Marshal()
	must(err)
	return bytes
}

func revisionBytes(main, sub uint64, tombstone bool) []byte {
	bytes := append(uint64Bytes(main), '_')
	bytes = append(bytes, uint64Bytes(sub)...)
	if tombstone {
		bytes = append(bytes, 't')
	}
	return bytes
}

func uint64Bytes(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func leaseID(i int) uint64 { return 0x7000000000000000 + uint64(i) }

// leasepb.Lease: its ID, and a time to live that outlasts every test.
func leaseBytes(id uint64) []byte {
	return append(binary.AppendUvarint([]byte{0x08}, id), binary.AppendUvarint([]byte{0x10}, 360000)...)
}
