// MKL takes a slower path on processors that are not Intel's. Preloading this answer lifts the
// check, for the tuned column of the comparisons:
//
//     cc -shared -fPIC -O2 -o mkl_vendor_check.so mkl_vendor_check.c
//     LD_PRELOAD=$PWD/mkl_vendor_check.so python pytorch_train.py description.json
int mkl_serv_intel_cpu_true(void) { return 1; }
