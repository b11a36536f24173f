import Slabs

func copy(_ lease: borrowing SlabLease) -> SlabLease {  // REFUSED: 'lease' is borrowed
    lease
}
