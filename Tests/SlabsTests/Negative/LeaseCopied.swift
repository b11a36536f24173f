import Slabs

func copy(_ lease: borrowing SlabLease) -> SlabLease {  // REFUSED: 'lease' is borrowed and cannot be consumed
    lease
}
