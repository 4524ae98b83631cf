import numpy as np
from nnscratch.models import Sequential
from nnscratch.layers import Dense

x = np.random.random((1000, 20))
y = np.random.randint(2, size=(1000, 1))

model = Sequential()
model.add(Dense(64, activation='relu', input_dim=20))
model.add(Dense(1, activation='sigmoid'))

model.compile(loss='binary_crossentropy', optimizer='rmsprop', metrics=['accuracy'])
model.fit(x, y, epochs=20, batch_size=32)
