print("nezuko")
