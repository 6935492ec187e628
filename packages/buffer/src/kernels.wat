;; Internet checksum kernels over the packet arena (RFC 1071).
;;
;; Bytes are loaded little-endian as sixteen-bit lanes, added pairwise into 32-bit lanes of two
;; accumulators, 32 bytes a step, and the bytes of the folded sum are swapped once at the end.
;; A lane grows by at most 2 * 65535 a step: lengths up to 1 MiB cannot overflow it. What both functions do at their end is
;; written out twice: not every engine inlines a call, and a header is summed in less time than two of them take.
;;
;; After editing: node packages/buffer/tools/assemble-kernels.mjs
(module
  (import "stack" "memory" (memory 1))

  (func (export "sum") (param $at i32) (param $left i32) (result i32)
    (local $a v128) (local $b v128) (local $sum i64)
    (if (i32.ge_u (local.get $left) (i32.const 32))
      (then
        (loop $step
          (local.set $a (i32x4.add (local.get $a)
            (i32x4.extadd_pairwise_i16x8_u (v128.load align=1 (local.get $at)))))
          (local.set $b (i32x4.add (local.get $b)
            (i32x4.extadd_pairwise_i16x8_u (v128.load offset=16 align=1 (local.get $at)))))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (local.set $left (i32.sub (local.get $left) (i32.const 32)))
          (br_if $step (i32.ge_u (local.get $left) (i32.const 32))))
        ;; All lanes added up: each is below 2^31, so that two of them fit into one of twice the width.
        (local.set $a
          (i64x2.add
            (i64x2.add (i64x2.extend_low_i32x4_u (local.get $a)) (i64x2.extend_high_i32x4_u (local.get $a)))
            (i64x2.add (i64x2.extend_low_i32x4_u (local.get $b)) (i64x2.extend_high_i32x4_u (local.get $b)))))
        (local.set $sum (i64.add (i64x2.extract_lane 0 (local.get $a)) (i64x2.extract_lane 1 (local.get $a))))))
    (block $narrow
      (loop $step
        (br_if $narrow (i32.lt_u (local.get $left) (i32.const 4)))
        (local.set $sum (i64.add (local.get $sum) (i64.load32_u align=1 (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (local.set $left (i32.sub (local.get $left) (i32.const 4)))
        (br $step)))
    (if (i32.and (local.get $left) (i32.const 2))
      (then
        (local.set $sum (i64.add (local.get $sum) (i64.load16_u align=1 (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))))
    (if (i32.and (local.get $left) (i32.const 1))
      (then
        (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))))
    ;; Folds the little-endian sum, below 2^48, to 16 bits and swaps its bytes.
    (local.set $sum
      (i64.add
        (i64.and (local.get $sum) (i64.const 0xffff))
        (i64.add
          (i64.and (i64.shr_u (local.get $sum) (i64.const 16)) (i64.const 0xffff))
          (i64.shr_u (local.get $sum) (i64.const 32)))))
    (local.set $left (i32.wrap_i64 (local.get $sum)))
    (local.set $left (i32.add (i32.and (local.get $left) (i32.const 0xffff)) (i32.shr_u (local.get $left) (i32.const 16))))
    (local.set $left (i32.add (i32.and (local.get $left) (i32.const 0xffff)) (i32.shr_u (local.get $left) (i32.const 16))))
    (i32.or
      (i32.shl (i32.and (local.get $left) (i32.const 0xff)) (i32.const 8))
      (i32.shr_u (local.get $left) (i32.const 8))))

  (func (export "copyAndSum") (param $to i32) (param $at i32) (param $left i32) (result i32)
    (local $a v128) (local $b v128) (local $v v128) (local $w v128) (local $sum i64) (local $n i64)
    (if (i32.ge_u (local.get $left) (i32.const 32))
      (then
        (loop $step
          (local.set $v (v128.load align=1 (local.get $at)))
          (local.set $w (v128.load offset=16 align=1 (local.get $at)))
          (v128.store align=1 (local.get $to) (local.get $v))
          (v128.store offset=16 align=1 (local.get $to) (local.get $w))
          (local.set $a (i32x4.add (local.get $a) (i32x4.extadd_pairwise_i16x8_u (local.get $v))))
          (local.set $b (i32x4.add (local.get $b) (i32x4.extadd_pairwise_i16x8_u (local.get $w))))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (local.set $to (i32.add (local.get $to) (i32.const 32)))
          (local.set $left (i32.sub (local.get $left) (i32.const 32)))
          (br_if $step (i32.ge_u (local.get $left) (i32.const 32))))
        ;; All lanes added up: each is below 2^31, so that two of them fit into one of twice the width.
        (local.set $a
          (i64x2.add
            (i64x2.add (i64x2.extend_low_i32x4_u (local.get $a)) (i64x2.extend_high_i32x4_u (local.get $a)))
            (i64x2.add (i64x2.extend_low_i32x4_u (local.get $b)) (i64x2.extend_high_i32x4_u (local.get $b)))))
        (local.set $sum (i64.add (i64x2.extract_lane 0 (local.get $a)) (i64x2.extract_lane 1 (local.get $a))))))
    (block $narrow
      (loop $step
        (br_if $narrow (i32.lt_u (local.get $left) (i32.const 4)))
        (local.set $n (i64.load32_u align=1 (local.get $at)))
        (i64.store32 align=1 (local.get $to) (local.get $n))
        (local.set $sum (i64.add (local.get $sum) (local.get $n)))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (local.set $to (i32.add (local.get $to) (i32.const 4)))
        (local.set $left (i32.sub (local.get $left) (i32.const 4)))
        (br $step)))
    (if (i32.and (local.get $left) (i32.const 2))
      (then
        (local.set $n (i64.load16_u align=1 (local.get $at)))
        (i64.store16 align=1 (local.get $to) (local.get $n))
        (local.set $sum (i64.add (local.get $sum) (local.get $n)))
        (local.set $at (i32.add (local.get $at) (i32.const 2)))
        (local.set $to (i32.add (local.get $to) (i32.const 2)))))
    (if (i32.and (local.get $left) (i32.const 1))
      (then
        (local.set $n (i64.load8_u (local.get $at)))
        (i64.store8 (local.get $to) (local.get $n))
        (local.set $sum (i64.add (local.get $sum) (local.get $n)))))
    ;; Folds the little-endian sum, below 2^48, to 16 bits and swaps its bytes.
    (local.set $sum
      (i64.add
        (i64.and (local.get $sum) (i64.const 0xffff))
        (i64.add
          (i64.and (i64.shr_u (local.get $sum) (i64.const 16)) (i64.const 0xffff))
          (i64.shr_u (local.get $sum) (i64.const 32)))))
    (local.set $left (i32.wrap_i64 (local.get $sum)))
    (local.set $left (i32.add (i32.and (local.get $left) (i32.const 0xffff)) (i32.shr_u (local.get $left) (i32.const 16))))
    (local.set $left (i32.add (i32.and (local.get $left) (i32.const 0xffff)) (i32.shr_u (local.get $left) (i32.const 16))))
    (i32.or
      (i32.shl (i32.and (local.get $left) (i32.const 0xff)) (i32.const 8))
      (i32.shr_u (local.get $left) (i32.const 8)))))
